import { hash } from 'node:crypto'
import type { LogReader } from '#shared/bus/log-reader.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import { type CreatedEvent, HEADERS } from '#shared/contracts/events.ts'
import type { CreateJobBody, JobAccepted } from '#shared/contracts/http.ts'
import { eventSubject, historyFilter } from '#shared/contracts/subjects.ts'
import { type Clock, isoTime } from '#shared/runtime/clock.ts'
import { newJobId, newNonce } from '#shared/runtime/ids.ts'
import type { Logger } from '#shared/runtime/logger.ts'
import type { Counter } from '#shared/runtime/metrics.ts'
import type { Door } from '../door.ts'
import { invalidBody } from '../http/read-body.ts'
import type { JobType, JobTypes } from '../job-types.ts'
import { cooldownError } from './cooldown.ts'
import type { IdempotencyKeys, KeyClaim } from './idempotency-keys.ts'

export interface CreateJobDeps {
  publisher: Publisher
  reader: LogReader
  door: Door
  types: JobTypes
  keys: IdempotencyKeys
  /** Whether the job of an earlier claim is there already. */
  jobExists(jobId: string): Promise<boolean>
  clock: Clock
  /** Milliseconds in which an object_id may not be used again; 0: none. */
  cooldownMs: number
  created: Counter<'type'>
  log: Logger
}

export interface CreateJobRequest {
  body: CreateJobBody
  requestId: string
  /** The same request id again is the same request again: nginx repeats a POST whose replica died. */
  requestIdTrusted: boolean
  idempotencyKey: string | null
  /** W3C trace context, passed on with every event of the job. */
  traceparent: string | null
  /** 400 at the root, 409 under /v1. */
  cooldownStatus: 400 | 409
}

export interface CreateJobResult {
  accepted: JobAccepted
  replayed: boolean
}

/** Under nginx's read timeout: a caller gets our answer, not a gateway's. */
const ACCEPT_DEADLINE_MS = 5_000

/**
 * Accepts a job: ONE publish is durability and cooldown together, because the stream's duplicate window is the
 * cooldown. No 201 before the broker's ack.
 * @throws AppError unknown-type, invalid-request, cooldown, key-reused, unavailable
 */
export async function createJob(deps: CreateJobDeps, request: CreateJobRequest): Promise<CreateJobResult> {
  const { body } = request
  deps.door.check()
  const type = await deps.types.get(body.type)
  checkPayload(type, body.payload)
  const claim = request.idempotencyKey === null ? null : await deps.keys.claim(request.idempotencyKey, body)
  if (claim?.isRepeat === true && (await deps.jobExists(claim.jobId)))
    return { accepted: acceptedOf(claim, body), replayed: true }

  const nowMs = claim?.createdAtMs ?? deps.clock.now()
  const jobId = claim?.jobId ?? newJobId(nowMs)
  const event = createdEvent(jobId, body, type, isoTime(nowMs))
  const address = { type: body.type, priority: body.priority, job_id: jobId }
  const result = await deps.publisher.publish(
    {
      subject: eventSubject('job:created', address),
      body: JSON.stringify(event),
      nonce: newNonce(),
      jobId,
      msgId: msgIdOf(deps, type, request),
      headers: {
        [HEADERS.requestId]: request.requestId,
        ...(request.traceparent === null ? {} : { [HEADERS.traceparent]: request.traceparent }),
      },
      // Only a repeat under an Idempotency-Key can meet its own job: it must not make that job a second time.
      ...(claim === null ? {} : { expect: { seq: 0, filter: historyFilter(address) } }),
    },
    { deadlineMs: ACCEPT_DEADLINE_MS },
  )
  const accepted: JobAccepted = {
    job_id: jobId,
    object_id: body.object_id,
    type: body.type,
    status: 'processing',
    created_at: event.created_at,
  }
  if (result.kind === 'refused') return { accepted, replayed: true }
  if (result.kind === 'duplicate') return answerDuplicate(deps, request, accepted, result.seq)
  deps.created.inc({ type: body.type })
  deps.log.info({ job_id: jobId, type: body.type }, 'job created')
  return { accepted, replayed: false }
}

/** The broker knows the dedupe id: another job's (the cooldown), or this very request's from an earlier try. */
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
    cooldownMs: deps.cooldownMs,
    status: request.cooldownStatus,
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

/** null when the first event cannot be read: the answer stays a refusal, without the holder's id. */
async function readFirst(deps: CreateJobDeps, seq: number): Promise<FirstEvent | null> {
  try {
    const message = await deps.reader.atSequence(seq)
    if (message === null) return null
    const event = JSON.parse(message.body) as CreatedEvent
    return {
      jobId: event.job_id,
      createdAt: event.created_at,
      requestId: message.headers.get(HEADERS.requestId) ?? '',
      acceptedAtMs: Date.parse(message.time),
    }
  } catch (error) {
    deps.log.warn({ err: error, seq }, 'the event that holds a cooldown could not be read')
    return null
  }
}

function checkPayload(type: JobType, payload: unknown): void {
  const parsed = type.payload?.safeParse(payload ?? null)
  if (parsed === undefined || parsed.success) return
  for (const issue of parsed.error.issues) issue.path.unshift('payload')
  throw invalidBody(parsed.error, 'invalid-payload')
}

/** What a user sends never becomes part of a subject or header as it is: it is hashed. */
function msgIdOf(deps: CreateJobDeps, type: JobType, request: CreateJobRequest): string {
  if (deps.cooldownMs === 0 || !type.info.policy.cooldown) return `r:${request.requestId}`
  return `o:${hash('sha256', JSON.stringify(['', request.body.type, request.body.object_id]), 'base64url')}`
}

const acceptedOf = (claim: KeyClaim, body: CreateJobBody): JobAccepted => ({
  job_id: claim.jobId,
  object_id: body.object_id,
  type: body.type,
  status: 'processing',
  created_at: isoTime(claim.createdAtMs),
})

function createdEvent(jobId: string, body: CreateJobBody, type: JobType, at: string): CreatedEvent {
  const { policy } = type.info
  return {
    event: 'job:created',
    job_id: jobId,
    object_id: body.object_id,
    type: body.type,
    priority: body.priority,
    at,
    created_at: at,
    round: 1,
    attempt: 1,
    crashes: 0,
    ...(body.payload === undefined ? {} : { payload: body.payload }),
    timeout_ms: body.timeout_ms ?? policy.timeout_ms,
    max_attempts: policy.max_attempts,
    backoff: policy.backoff,
  }
}
