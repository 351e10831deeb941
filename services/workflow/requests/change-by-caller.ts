import { AppError, unavailable } from '#shared/errors/app-error.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { type Command, decide, type Input } from '../decide/decide.ts'
import type { RequestRecord } from '../decide/record.ts'
import { type ChangeRequestDeps, changeRequest, isTooLarge } from '../engine/change-request.ts'
import type { StoredRequest } from '../engine/request-records.ts'
import { type FindRequestDeps, findRequest, getRequest, requestNotFound } from './find-request.ts'

export interface ChangeByCallerDeps extends ChangeRequestDeps, FindRequestDeps {
  records: ChangeRequestDeps['records']
  /** Creates and cancels jobs at once; if that fails, the record's own delivery does it. */
  runEffects: (stored: StoredRequest) => Promise<void>
}

export interface Change {
  command: Command
  /** Whether the change may be requested. @throws AppError where it makes no sense for this request */
  isAllowed: (record: RequestRecord) => boolean
  /** Whether the request has the change now, compared with its state before. */
  isDone: (record: RequestRecord, before: RequestRecord) => boolean
  /** The reason for a refusal, as text for people. */
  refusal: string
}

/**
 * Changes a request for a caller. A repeat, by the proxy after a first try that was cut short or by a caller under the
 * same Idempotency-Key, gets the answer of the first try.
 * @throws AppError `request-not-found`, `unavailable`; `wrong-state` where the request's state does not allow the
 * change
 */
export async function changeByCaller(
  deps: ChangeByCallerDeps,
  requestId: string,
  { caller, requestId: proxiedAs, requestIdTrusted, changeKey }: RequestInfo,
  { command, isAllowed, isDone, refusal }: Change,
): Promise<StoredRequest> {
  const before = await getRequest(deps, requestId, caller)
  const appliedAs = changeKey ?? (requestIdTrusted ? proxiedAs : null)
  if (appliedAs !== null && before.record.asked.includes(appliedAs)) return before
  if (!isAllowed(before.record)) throw wrongState(before.record, refusal)
  const input = { ...command, appliedAs }
  // A request that has left the log comes back to it.
  const change = async () => (await changeRequest(deps, requestId, input)) ?? (await bringBack(deps, requestId, input))
  const stored = await change().catch((error: unknown) => {
    throw isTooLarge(error) ? wrongState(before.record, NO_ROOM) : error
  })
  if (!isDone(stored.record, before.record)) throw wrongState(stored.record, refusal)
  await deps.runEffects(stored)
  return stored
}

async function bringBack(deps: ChangeByCallerDeps, requestId: string, input: Input): Promise<StoredRequest> {
  // In this order: the store's version is now the one that left, or newer, and then the write is refused.
  const emptiedAt = await deps.records.emptiedAt(requestId)
  const left = await findRequest(deps, requestId)
  if (left === null) throw requestNotFound()
  const changed = decide(left.record, input, deps.clock.now())
  if (changed === left.record) return left
  const stored =
    (emptiedAt === null ? null : await deps.records.write(changed, emptiedAt)) ??
    (await changeRequest(deps, requestId, input))
  if (stored === null) throw unavailable('Too many others are changing this request. Try again.')
  return stored
}

const NO_ROOM = "its params, extras, results and attempts would exceed the broker's message limit"

/** Tells the caller the request's current state. */
const wrongState = ({ request_id, status }: RequestRecord, refusal: string): AppError =>
  new AppError('wrong-state', `The request is ${status}: ${refusal}.`, { members: { request: { request_id, status } } })
