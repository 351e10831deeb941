import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { openJobStore } from '#shared/stores/jobs/open-job-store.ts'
import { isBusy } from '#shared/stores/sqlite/while-busy.ts'
import { waitUntil } from '../../scripts/servers/wait-until.ts'
import type { Processes } from './hasty.ts'
import type { Replica } from './replica.ts'

/** The owner named in the checkpoint, whose id contains its pid. */
export async function findOwner(hasty: Pick<Processes, 'keeper' | 'dataDir'>): Promise<Replica> {
  await using store = await storeOf(hasty)
  return await waitUntil(
    async () => {
      const owner = (await store.readCheckpoint())?.owner ?? ''
      return hasty.keeper.find(({ pid, running }) => running && owner.includes(`-${pid}-`))
    },
    { what: 'an owner of the projection' },
  )
}

/**
 * Stops the owner in the middle of whatever it does but a write: one that is frozen inside a write keeps the lock of the
 * embedded store, and no other can take over before it is woken or killed.
 */
export async function freezeOwner(hasty: Pick<Processes, 'keeper' | 'dataDir'>): Promise<Replica> {
  using database = new DatabaseSync(join(hasty.dataDir, 'jobs.sqlite'), { timeout: 500 })
  for (;;) {
    const owner = await findOwner(hasty)
    owner.kill('SIGSTOP')
    try {
      database.exec('BEGIN IMMEDIATE; ROLLBACK')
      return owner
    } catch (error) {
      owner.kill('SIGCONT')
      if (!isBusy(error)) throw error
    }
  }
}

/** The services' own store, opened directly. */
export async function storeOf(hasty: Pick<Processes, 'dataDir'>): Promise<JobStore & AsyncDisposable> {
  const store = await openJobStore({ DATA_DIR: hasty.dataDir })
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })
}
