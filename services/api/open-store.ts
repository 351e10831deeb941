import { join } from 'node:path'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { openMongoStore } from '#shared/stores/jobs/mongo/mongo-jobs.ts'
import { openSqliteStore } from '#shared/stores/jobs/sqlite/sqlite-jobs.ts'

/** MONGO_URL chooses MongoDB; without it the embedded store lies in DATA_DIR. */
export const openStore = (config: { MONGO_URL?: string | undefined; DATA_DIR: string }): Promise<JobStore> =>
  config.MONGO_URL === undefined
    ? openSqliteStore(join(config.DATA_DIR, 'api.sqlite'))
    : openMongoStore(config.MONGO_URL)
