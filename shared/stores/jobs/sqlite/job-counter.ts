import type { JobRow } from '../job-row.ts'
import type { StoredStatus } from '../stored-status.ts'
import type { Statements } from './statements.ts'

type OfType = Map<StoredStatus, number>
type OfTenant = Map<string, OfType>

/** What a job is counted by: it may change, unlike its owner. */
export type CountedState = Pick<JobRow, 'status' | 'error'>
type Owner = Pick<JobRow, 'tenant' | 'type'>

/**
 * Changes of the counts in one transaction, saved once at its end: reading counts then takes one row for each type and
 * status. Triggers would do the same for a third of a write's time. A tenant's job counts twice: among all, under '',
 * and among that tenant's. Failed jobs are counted by their error too.
 */
export class JobCounter {
  // Nested maps: one key made of three texts would cost each write 0.5 microseconds.
  readonly #changes = new Map<string, OfTenant>()
  readonly #errors = new Map<string, Map<string, number>>()

  add(owner: Owner, state: CountedState): void {
    this.#change(owner, state, 1)
  }

  remove(owner: Owner, state: CountedState): void {
    this.#change(owner, state, -1)
  }

  #change({ tenant, type }: Owner, { status, error }: CountedState, change: 1 | -1): void {
    this.#changeStatus('', type, status, change)
    if (tenant !== '') this.#changeStatus(tenant, type, status, change)
    if (error === '' || !(status === 'failed' || status === 'failed_timeout')) return
    this.#changeError('', error, change)
    if (tenant !== '') this.#changeError(tenant, error, change)
  }

  #changeStatus(tenant: string, type: string, status: StoredStatus, change: 1 | -1): void {
    const ofTenant: OfTenant = this.#changes.get(tenant) ?? new Map()
    const ofType: OfType = ofTenant.get(type) ?? new Map()
    this.#changes.set(tenant, ofTenant.set(type, ofType.set(status, (ofType.get(status) ?? 0) + change)))
  }

  #changeError(tenant: string, error: string, change: 1 | -1): void {
    const ofTenant = this.#errors.get(tenant) ?? new Map<string, number>()
    this.#errors.set(tenant, ofTenant.set(error, (ofTenant.get(error) ?? 0) + change))
  }

  save(run: Statements): void {
    for (const [tenant, ofTenant] of this.#changes)
      for (const [type, ofType] of ofTenant)
        for (const [status, change] of ofType) if (change !== 0) run.addCount.run(tenant, type, status, change)
    for (const [tenant, ofTenant] of this.#errors)
      for (const [error, change] of ofTenant) if (change !== 0) run.addErrorCount.run(tenant, error, change)
  }
}
