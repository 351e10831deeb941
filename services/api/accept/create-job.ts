import { type CheckJobDeps, checkJob } from '#shared/accept/check-job.ts'
import type { Door } from '#shared/accept/door.ts'
import { firstEvent } from '#shared/accept/first-event.ts'
import type { IdempotencyKeys, KeyClaim } from '#shared/accept/idempotency-keys.ts'
import type { JobType } from '#shared/accept/job-types.ts'
import { byMember } from '#shared/auth/caller.ts'
import { firstPublication } from '#shared/bus/first-publication.ts'
import type { Publication } from '#shared/bus/publication.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { CreateJobBody, JobAccepted } from '#shared/contracts/http/jobs.ts'
import { type CreatedEvent, HEADERS, type ScheduledEvent } from '#shared/contracts/log/events.ts'
import { jobInLog } from '#shared/contracts/log/job-spec.ts'
import { type RequestInfo, requestHeaders } from '#shared/http/request-info.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { newJobId } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Counter } from '#shared/process/metrics.ts'
import type { Clock } from '#shared/time/clock.ts'
import { traceIdMember, UNRECORDED } from '#shared/trace/traceparent.ts'
import type { Tracing } from '#shared/trace/tracing.ts'
import { cooldownError } from './cooldown.ts'
import { withSendSpan } from './send-span.ts'

export interface CreateJobDeps extends CheckJobDeps {
  publisher: Publisher
  /** The log of jobs. */
  stream: Pick<Stream, 'atSequence'>
  door: Door
  keys: IdempotencyKeys
  /** Whether the job of an earlier claim exists already. */
  jobExists(jobId: string): Promise<boolean>
  clock: Clock
  /** Milliseconds during which an object_id cannot be used again; 0: no cooldown. */
  cooldownMs: number
  created: Counter<'type'>
  tracing: Tracing | null
  log: Logger
}

export interface CreateJobRequest extends RequestInfo {
  body: CreateJobBody
  idempotencyKey: string | null
  /** The claim of the job's batch, used instead of a key of its own. */
  claim?: KeyClaim
  /** At the root every type has the cooldown unless it rules it out, with 400; under /v1 only types that ask for it. */
  isAtRoot: boolean
}

export interface CreateJobResult {
  accepted: JobAccepted
  replayed: boolean
}

/** A valid request: its publication, and the answer once it is stored. */
export interface PreparedJob {
  event: CreatedEvent | ScheduledEvent
  publication: Publication
  accepted: JobAccepted
  /** Whether an earlier request under the same claim has created the job. */
  alreadyCreated: boolean
}

/**
 * Does everything that comes before the publish.
 * @throws AppError unknown-type, invalid-request, invalid-payload, callback-forbidden, key-reused, unavailable
 */
export async function prepareJob(deps: CreateJobDeps, request: CreateJobRequest): Promise<PreparedJob> {
  const { body, caller } = request
  deps.door.check()
  const type = await checkJob(deps, body)
  const key = request.idempotencyKey
  const claim =
    request.claim ?? (key === null ? null : await deps.keys.claim({ tenant: caller.tenant, space: 'jobs', key }, body))
  const nowMs = claim?.createdAtMs ?? deps.clock.now()
  const jobId = claim?.jobId ?? newJobId(nowMs)
  const origin = { ...byMember(caller), ...traceIdMember(request.traceparent) }
  const event = firstEvent(jobId, caller.tenant, body, type, nowMs, origin)
  return {
    event,
    publication: firstPublication(event, {
      msgId: msgIdOf(deps, type, request),
      headers: requestHeaders(request),
      // Only a repeat of a claim can meet its own job, which must not be created a second time.
      ...(claim === null ? {} : { once: 'same-address' }),
    }),
    accepted: acceptedOf(event),
    alreadyCreated: claim?.isRepeat === true && (await deps.jobExists(claim.jobId)),
  }
}

/**
 * Accepts a job: ONE publish gives durability and cooldown together, because the stream's duplicate window is the
 * cooldown. No 201 before the broker's ack.
 * @throws AppError unknown-type, invalid-request, invalid-payload, callback-forbidden, cooldown, key-reused,
 * unavailable
 */
export function createJob(deps: CreateJobDeps, request: CreateJobRequest): Promise<CreateJobResult> {
  const { tracing } = deps
  if (tracing === null || request.traceparent === UNRECORDED) return send(deps, request)
  return withSendSpan(tracing, request, (within) => send(deps, within))
}

async function send(deps: CreateJobDeps, request: CreateJobRequest): Promise<CreateJobResult> {
  const { event, publication, accepted, alreadyCreated } = await prepareJob(deps, request)
  if (alreadyCreated) return { accepted, replayed: true }
  const result = await deps.publisher.publish(publication)
  if (result.kind === 'refused') return { accepted, replayed: true }
  if (result.kind === 'duplicate') return answerDuplicate(deps, request, accepted, result.seq)
  recordCreated(deps, event)
  return { accepted, replayed: false }
}

export function recordCreated(deps: CreateJobDeps, event: CreatedEvent | ScheduledEvent): void {
  deps.created.inc({ type: event.type })
  const { trace_id: traceId } = event
  deps.log.info({ ...jobInLog(event), ...(traceId === undefined ? {} : { trace_id: traceId }) }, 'job created')
}

/**
 * Answers when the broker knows the dedupe id: it belongs to another job (the cooldown), or to an earlier try of this
 * very request.
 */
async function answerDuplicate(
  deps: CreateJobDeps,
  request: CreateJobRequest,
  accepted: JobAccepted,
  firstSeq: number,
): Promise<CreateJobResult> {
  const first = await readFirst(deps, firstSeq)
  if (first?.jobId === accepted.job_id) return { accepted, replayed: request.idempotencyKey !== null }
  if (first !== null && request.requestIdTrusted && first.requestId === request.requestId) {
    return { accepted: { ...accepted, job_id: first.jobId, created_at: first.createdAt }, replayed: false }
  }
  throw cooldownError({
    type: request.body.type,
    cooldownMs: deps.cooldownMs,
    status: request.isAtRoot ? 400 : 409,
    holder: first === null ? null : { jobId: first.jobId, acceptedAtMs: first.acceptedAtMs },
    nowMs: deps.clock.now(),
  })
}

interface FirstEvent {
  jobId: string
  createdAt: string
  requestId: string
  acceptedAtMs: number
}

/**
 * The first event of the holder; null when it cannot be read: the answer is still a refusal, without the holder's id.
 */
async function readFirst(deps: CreateJobDeps, seq: number): Promise<FirstEvent | null> {
  try {
    const message = await deps.stream.atSequence(seq)
    if (message === null) return null
    const event = JSON.parse(message.body) as CreatedEvent
    return {
      jobId: event.job_id,
      createdAt: event.created_at,
      requestId: message.headers.get(HEADERS.requestId) ?? '',
      acceptedAtMs: Date.parse(message.time),
    }
  } catch (error) {
    deps.log.warn({ err: error, seq }, 'could not read the event that holds a cooldown')
    return null
  }
}

function msgIdOf(deps: CreateJobDeps, type: JobType, { requestId, caller, body, isAtRoot }: CreateJobRequest): string {
  const { cooldown, cooldown_at_root_only: atRootOnly } = type.info.policy
  const hasCooldown = cooldown && (isAtRoot || !atRootOnly)
  if (deps.cooldownMs === 0 || !hasCooldown) return `r:${requestId}`
  return `o:${hashNames(caller.tenant, body.type, body.object_id)}`
}

const acceptedOf = (event: CreatedEvent | ScheduledEvent): JobAccepted => ({
  job_id: event.job_id,
  object_id: event.object_id,
  type: event.type,
  status: event.event === 'job:scheduled' ? 'scheduled' : 'processing',
  created_at: event.created_at,
  ...(event.event === 'job:scheduled' ? { due_at: event.due_at } : {}),
})
