import { join } from 'node:path'
import type { AttemptStore } from '#shared/stores/attempts/attempt-store.ts'

export interface AttemptStoreConfig {
  /** Chooses MongoDB; without it the embedded store lies in DATA_DIR. */
  mongoUrl: string | undefined
  dataDir: string
}

/** Loads the adapter that is used and not the other: Mongo's driver takes some 30 MB. */
export async function openStore({ mongoUrl, dataDir }: AttemptStoreConfig): Promise<AttemptStore> {
  if (mongoUrl !== undefined) {
    const { openMongoAttempts } = await import('#shared/stores/attempts/mongo-attempts.ts')
    return openMongoAttempts(mongoUrl)
  }
  const { openSqliteAttempts } = await import('#shared/stores/attempts/sqlite-attempts.ts')
  return openSqliteAttempts(join(dataDir, 'job.sqlite'))
}
