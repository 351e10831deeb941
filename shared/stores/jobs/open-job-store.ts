import { join } from 'node:path'
import type { JobStore } from './job-store.ts'
import { openMongoStore } from './mongo/mongo-jobs.ts'
import { openSqliteStore } from './sqlite/sqlite-jobs.ts'

/** Opens the read store: MongoDB where MONGO_URL is set, otherwise SQLite in DATA_DIR. */
export const openJobStore = (config: { MONGO_URL?: string | undefined; DATA_DIR: string }): Promise<JobStore> =>
  config.MONGO_URL === undefined
    ? openSqliteStore(join(config.DATA_DIR, 'jobs.sqlite'))
    : openMongoStore(config.MONGO_URL)
