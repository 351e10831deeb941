import type { Door } from '#shared/accept/door.ts'
import type { IdempotencyKey, IdempotencyKeys } from '#shared/accept/idempotency-keys.ts'
import type { CreateRequestBody } from '#shared/contracts/http/requests.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { newJobId } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Counter } from '#shared/process/metrics.ts'
import type { Clock } from '#shared/time/clock.ts'
import { sentOn, traceIdMember } from '#shared/trace/traceparent.ts'
import { type CheckPlanDeps, checkPlan, checkValues } from '../check-plan/check-plan.ts'
import { invalidPlan } from '../check-plan/plan-errors.ts'
import { decide } from '../decide/decide.ts'
import { type NewRequest, newRecord } from '../decide/new-record.ts'
import { isEnded, type RequestRecord } from '../decide/record.ts'
import { type ChangeRequestDeps, isTooLarge, tellEnd } from '../engine/change-request.ts'
import type { RequestRecords, StoredRequest } from '../engine/request-records.ts'
import { type FindRequestDeps, findRequest } from './find-request.ts'

export interface CreateRequestDeps
  extends CheckPlanDeps,
    FindRequestDeps,
    Pick<ChangeRequestDeps, 'ended' | 'tracing'> {
  records: Pick<RequestRecords, 'read' | 'write'>
  keys: Pick<IdempotencyKeys, 'claim' | 'find'>
  door: Pick<Door, 'check'>
  /** Whether a new request waits for no time, and its first step starts with it. */
  startsAtOnce: boolean
  /** See ChangeByCallerDeps.runEffects. */
  runEffects: (stored: StoredRequest) => Promise<void>
  clock: Clock
  created: Counter
  log: Logger
}

export interface CreateRequest extends RequestInfo {
  body: CreateRequestBody
  idempotencyKey: string | null
}

/**
 * Accepts a request, which is in the log when this resolves. A key (an Idempotency-Key or the proxy's id) fixes the
 * request's id before the record is written by compare-and-set 0, so that within 24 hours there is one request,
 * whichever of the tries was cut short and wherever.
 * @throws AppError `invalid-plan`, `key-reused`, `unavailable`
 */
export async function createRequest(
  deps: CreateRequestDeps,
  request: CreateRequest,
): Promise<{ stored: StoredRequest; replayed: boolean }> {
  const { body, caller } = request
  const traceparent = sentOn(request.traceparent)
  checkValues(body)
  const checked = await checkedPlan(deps, request)
  if ('replayed' in checked) return checked
  const { plan, definition } = checked
  const key = keyOf(request)
  const claim = key === null ? null : await deps.keys.claim(key, body)
  if (claim?.isRepeat) {
    // A request that ended long ago is no longer in the log, where the write would not meet it.
    const there = await findRequest(deps, claim.jobId)
    if (there !== null) return { stored: there, replayed: true }
  }
  deps.door.check()
  const createdMs = claim?.createdAtMs ?? deps.clock.now()
  const requestId = claim?.jobId ?? newJobId(createdMs)
  const { name = null, params, extras } = body
  const { tenant } = caller
  const record = newRecord({ requestId, tenant, name, definition, params, extras, plan, traceparent }, createdMs)
  const stored = await writeNew(deps, record)
  if (stored === null) {
    const there = await findRequest(deps, requestId)
    if (there === null) throw unavailable('Too many others are changing this request. Try again.')
    return { stored: there, replayed: true }
  }
  deps.created.inc()
  deps.log.info({ request_id: requestId, ...tenantMember(tenant), ...traceIdMember(traceparent) }, 'request created')
  if (isEnded(stored.record)) tellEnd(deps, stored.record)
  await deps.runEffects(stored)
  return { stored, replayed: false }
}

/** Writes a request whose first step has started already, where it may: that saves a write and a delivery. */
async function writeNew(
  { records, startsAtOnce, clock }: CreateRequestDeps,
  record: RequestRecord,
): Promise<StoredRequest | null> {
  if (!startsAtOnce) return records.write(record, 0)
  try {
    return await records.write(decide(record, { kind: 'pick-up' }, clock.now()), 0)
  } catch (error) {
    // It is accepted, and fails with this error when it is picked up, where everybody can see it.
    if (isTooLarge(error) || !(error instanceof AppError)) return records.write(record, 0)
    throw error
  }
}

/** The plan of a request. A repeat is answered like the first try, even where such a plan would be refused by now. */
async function checkedPlan(
  deps: CreateRequestDeps,
  request: CreateRequest,
): Promise<Pick<NewRequest, 'plan' | 'definition'> | { stored: StoredRequest; replayed: true }> {
  const { body, caller } = request
  try {
    const plan = await planOf(deps, body, caller.tenant)
    await checkPlan(deps, caller, plan.plan)
    return plan
  } catch (error) {
    const key = keyOf(request)
    const id = key === null ? null : await deps.keys.find(key, body)
    const there = id === null ? null : await findRequest(deps, id)
    if (there === null) throw error
    return { stored: there, replayed: true }
  }
}

/** The key of a request: a caller's, or the proxy's, which repeats a request whose replica died within seconds. */
function keyOf({ caller, idempotencyKey, requestId, requestIdTrusted }: CreateRequest): IdempotencyKey | null {
  const { tenant } = caller
  if (idempotencyKey !== null) return { tenant, space: 'requests', key: idempotencyKey }
  return requestIdTrusted ? { tenant, space: 'proxied-requests', key: requestId } : null
}

/** @throws AppError `invalid-plan`, `unavailable` */
async function planOf(
  { definitions }: CreateRequestDeps,
  { steps, definition: name, version }: CreateRequestBody,
  tenant: string | null,
): Promise<Pick<NewRequest, 'plan' | 'definition'>> {
  if ((steps === undefined) === (name === undefined))
    throw invalidPlan({ pointer: '/steps', detail: 'give either steps or definition, and not both' })
  if (name === undefined) {
    if (version !== undefined) throw invalidPlan({ pointer: '/version', detail: 'is only allowed with definition' })
    return { plan: steps ?? [], definition: null }
  }
  const found = await definitions.read({ tenant, name }, version)
  if (found === null) throw invalidPlan({ pointer: '/definition', detail: 'is not a known definition or version' })
  return { plan: found.steps, definition: { name, version: found.version } }
}
