import { type Caller, maySee } from '#shared/auth/caller.ts'
import { isJobId } from '#shared/contracts/log/job-id.ts'
import { AppError, cannotRead } from '#shared/errors/app-error.ts'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'
import type { RequestRecord } from '../decide/record.ts'
import type { RequestRecords, StoredRequest } from '../engine/request-records.ts'

export interface FindRequestDeps {
  records: Pick<RequestRecords, 'read'>
  store: Pick<RequestStore, 'get'>
}

/**
 * The current request: from the log, or from the store where it ended long ago. Another tenant's request is not found.
 * @throws AppError `request-not-found`; `unavailable` when the log or the store cannot answer
 */
export async function getRequest(deps: FindRequestDeps, requestId: string, caller: Caller): Promise<StoredRequest> {
  const found = await findRequest(deps, requestId)
  if (found === null || !maySee(caller, found.record.tenant)) throw requestNotFound()
  return found
}

/** @throws AppError `unavailable` */
export async function findRequest(
  { records, store }: FindRequestDeps,
  requestId: string,
): Promise<StoredRequest | null> {
  // Only ids made by Hasty go into a subject.
  if (!isJobId(requestId)) return null
  const logged = await records.read(requestId).catch(cannotRead('The log of requests'))
  if (logged !== null) return logged
  const row = await store.get(requestId).catch(cannotRead('The store'))
  return row === null ? null : { seq: row.seq, record: row.record as RequestRecord }
}

export const requestNotFound = (): AppError => new AppError('request-not-found', 'No request has this id.')
