import { join } from 'node:path'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'

/**
 * Opens MongoDB where WORKFLOW_MONGO_URL is set, otherwise the embedded store in DATA_DIR. Only the adapter that is
 * used is loaded.
 */
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
