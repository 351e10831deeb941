import { join } from 'node:path'
import type { AttemptStore } from '#shared/stores/attempts/attempt-store.ts'

export interface AttemptStoreConfig {
  /** Address of MongoDB; without it the embedded store in DATA_DIR is used. */
  mongoUrl: string | undefined
  dataDir: string
}

/** Loads only the adapter that is used: Mongo's driver takes about 30 MB. */
export async function openStore({ mongoUrl, dataDir }: AttemptStoreConfig): Promise<AttemptStore> {
  if (mongoUrl !== undefined) {
    const { openMongoAttempts } = await import('#shared/stores/attempts/mongo-attempts.ts')
    return openMongoAttempts(mongoUrl)
  }
  const { openSqliteAttempts } = await import('#shared/stores/attempts/sqlite-attempts.ts')
  return openSqliteAttempts(join(dataDir, 'job.sqlite'))
}
