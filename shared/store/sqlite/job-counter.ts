import type { JobStatus } from '#shared/contracts/job.ts'
import type { Statements } from './statements.ts'

/**
 * What a transaction changes in the counts, saved once at its end: asking for counts then reads a row a type and
 * status. Triggers would do the same for a third of a write's time.
 */
export class JobCounter {
  readonly #changes = new Map<string, Map<JobStatus, number>>()

  add(type: string, status: JobStatus, change: 1 | -1): void {
    const ofType = this.#changes.get(type) ?? new Map<JobStatus, number>()
    this.#changes.set(type, ofType.set(status, (ofType.get(status) ?? 0) + change))
  }

  save(run: Statements): void {
    for (const [type, ofType] of this.#changes)
      for (const [status, change] of ofType) if (change !== 0) run.addCount.run(type, status, change)
  }
}
