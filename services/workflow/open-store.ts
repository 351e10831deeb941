import { join } from 'node:path'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'

/** WORKFLOW_MONGO_URL chooses MongoDB; without it the embedded store lies in DATA_DIR. Loads the adapter that is used alone. */
export async function openStore(config: {
  WORKFLOW_MONGO_URL?: string | undefined
  DATA_DIR: string
}): Promise<RequestStore> {
  if (config.WORKFLOW_MONGO_URL !== undefined) {
    const { openMongoRequests } = await import('#shared/stores/requests/mongo-requests.ts')
    return openMongoRequests(config.WORKFLOW_MONGO_URL)
  }
  const { openSqliteRequests } = await import('#shared/stores/requests/sqlite-requests.ts')
  return openSqliteRequests(join(config.DATA_DIR, 'workflow.sqlite'))
}
