import { join } from 'node:path'
import type { JobStore } from './job-store.ts'

/**
 * Opens the read store: MONGO_URL chooses MongoDB, and without it SQLite lies in DATA_DIR. Loads the adapter that is used
 * and not the other: Mongo's driver takes some 30 MB.
 */
export async function openJobStore(config: { MONGO_URL?: string | undefined; DATA_DIR: string }): Promise<JobStore> {
  if (config.MONGO_URL !== undefined) {
    const { openMongoStore } = await import('./mongo/mongo-jobs.ts')
    return openMongoStore(config.MONGO_URL)
  }
  const { openSqliteStore } = await import('./sqlite/sqlite-jobs.ts')
  return openSqliteStore(join(config.DATA_DIR, 'jobs.sqlite'))
}
