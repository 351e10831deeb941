import { join } from 'node:path'
import type { JobStore } from './job-store.ts'

/**
 * Opens the read store: MongoDB where MONGO_URL is set, otherwise SQLite in DATA_DIR. Only the adapter in use is loaded:
 * the driver of MongoDB takes about 30 MB.
 */
export async function openJobStore(config: { MONGO_URL?: string | undefined; DATA_DIR: string }): Promise<JobStore> {
  if (config.MONGO_URL !== undefined) {
    const { openMongoStore } = await import('./mongo/mongo-jobs.ts')
    return openMongoStore(config.MONGO_URL)
  }
  const { openSqliteStore } = await import('./sqlite/sqlite-jobs.ts')
  return openSqliteStore(join(config.DATA_DIR, 'jobs.sqlite'))
}
