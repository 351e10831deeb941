import { join } from 'node:path'
import { openMongoStore } from '#shared/store/mongo/mongo-store.ts'
import type { JobStore } from '#shared/store/port.ts'
import { openSqliteStore } from '#shared/store/sqlite/sqlite-store.ts'

/** MONGO_URL chooses MongoDB; without it the embedded store lies in DATA_DIR. */
export const openStore = (config: { MONGO_URL?: string | undefined; DATA_DIR: string }): Promise<JobStore> =>
  config.MONGO_URL === undefined
    ? openSqliteStore(join(config.DATA_DIR, 'api.sqlite'))
    : openMongoStore(config.MONGO_URL)
