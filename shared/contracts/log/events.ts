import { z } from 'zod'
import { backoffSchema, childSchema, type JobError, jobErrorSchema, PRIORITIES } from './job.ts'

/** Version of these schemas, sent as the header `Hasty-Contract`. */
export const CONTRACT_VERSION = 1

export const HEADERS = {
  /** New for each publish: distinguishes the writer's own stored event from a rival's. */
  nonce: 'Hasty-Nonce',
  /** On `job:due`: the only sequence after which this trigger may start the job. */
  after: 'Hasty-After',
  contract: 'Hasty-Contract',
  /** On the `job:created` of an accept: the request that created the job, so that nginx may repeat a POST. */
  requestId: 'Hasty-Request-Id',
  /** On events that change a job: the change's own name, so that a caller may repeat a POST. */
  changeKey: 'Hasty-Change-Key',
  traceparent: 'traceparent',
} as const

/** Jobs that the handler made, in this attempt and before: a later attempt makes none of these names again. */
const aboutChildren = { children: z.array(childSchema).optional() }

/** Members that a worker needs to run a job; every event that can become a trigger carries all of them. */
const jobSpecShape = {
  job_id: z.string(),
  object_id: z.string(),
  type: z.string(),
  priority: z.enum(PRIORITIES),
  tenant: z.string().optional(),
  tags: z.array(z.string()).optional(),
  created_at: z.string(),
  round: z.number().int().min(1),
  payload: z.unknown().optional(),
  /** Milliseconds one attempt may take. */
  timeout_ms: z.number().int().min(1),
  max_attempts: z.number().int().min(1),
  backoff: backoffSchema,
  callback_url: z.string().optional(),
  crashes: z.number().int().min(0),
  /** The job whose handler made this one. */
  parent_job_id: z.string().optional(),
  /** The trace of the call that the job came with. */
  trace_id: z.string().optional(),
  ...aboutChildren,
}

const aboutJob = {
  job_id: z.string(),
  object_id: z.string(),
  type: z.string(),
  tenant: z.string().optional(),
  tags: z.array(z.string()).optional(),
  at: z.string(),
}

const aboutAttempt = {
  ...aboutJob,
  attempt: z.number().int().min(1),
  worker_id: z.string(),
}

/**
 * On the outcome of a short attempt: when it started. Such an attempt has no `job:started` of its own; its fencing token
 * is the sequence of the event before, `job:created`.
 */
const aboutShortAttempt = { started_at: z.string().optional() }

/** Sequence of the message that started the attempt: ties an attempt to one delivery of one trigger. */
const aboutRun = {
  ...aboutAttempt,
  trigger: z.number().int().min(1),
  crashes: z.number().int().min(0),
  /** Whether the attempt runs in a child process of its own: a crash there does not affect its neighbours. */
  isolated: z.boolean(),
}

/**
 * On the start and the progress of an attempt that was lent to a worker over HTTP: it belongs to that worker until
 * `lease_until`, whichever process lent it, and ends at `deadline_at`. Times are by the broker's clock, RFC 3339 in UTC.
 */
const lentSchema = z.object({
  lease_until: z.string(),
  deadline_at: z.string(),
  /** Hash of the secret that the worker shows. */
  lease_hash: z.string(),
  /** The sequence of `job:started`, which does not know it itself. */
  fencing_token: z.number().int().min(1).optional(),
  /** Whether the worker has reported progress: an event that only extends the lease repeats the last report. */
  has_reported: z.boolean().optional(),
})
export type Lent = z.infer<typeof lentSchema>
const aboutLease = { lent: lentSchema.optional() }

/**
 * On events that continue a history: the sequence of the event before, 0 when that lies in another log. A job's first
 * event has none.
 */
const aboutPlace = { follows: z.number().int().min(0).optional() }

/** On what a caller did: the subject of its token; absent where none was needed. */
const aboutWho = { by: z.string().optional() }

export type JobSpec = z.infer<z.ZodObject<typeof jobSpecShape & typeof aboutPlace>>

/**
 * `attempt` is the number of the attempt that starts: 1, or the next one after an operator's retry or a wake-up by the
 * sweeper.
 */
const createdSchema = z.looseObject({
  event: z.literal('job:created'),
  ...aboutWho,
  at: z.string(),
  attempt: z.number().int().min(1),
  ...aboutPlace,
  ...jobSpecShape,
})
/** A delayed job, or a rescheduled one: then `attempt` is the one that waits. */
const scheduledSchema = z.looseObject({
  event: z.literal('job:scheduled'),
  ...aboutWho,
  at: z.string(),
  attempt: z.number().int().min(1),
  due_at: z.string(),
  ...aboutPlace,
  ...jobSpecShape,
})
/** `fencing_token`: only where the token is not this event's own sequence. */
const startedSchema = z.looseObject({
  event: z.literal('job:started'),
  ...aboutRun,
  ...aboutLease,
  fencing_token: z.number().int().min(1).optional(),
})
const progressSchema = z.looseObject({
  event: z.literal('job:progress'),
  ...aboutRun,
  ...aboutLease,
  percent: z.number(),
  message: z.string().nullable(),
  data: z.unknown().optional(),
})
/**
 * `attempt` is the one that failed; the trigger made from this event starts the next. `reason`: `crashed`, `timeout` or
 * absent.
 */
const retryingSchema = z.looseObject({
  event: z.literal('job:retrying'),
  ...aboutWho,
  ...aboutPlace,
  ...jobSpecShape,
  ...aboutAttempt,
  ...aboutShortAttempt,
  due_at: z.string(),
  reason: z.string().optional(),
  error: jobErrorSchema,
})
const releasedSchema = z.looseObject({ event: z.literal('job:released'), ...aboutRun, ...aboutChildren })
const finishedSchema = z.looseObject({
  event: z.literal('job:finished'),
  ...aboutAttempt,
  ...aboutShortAttempt,
  ...aboutChildren,
  result: z.unknown().optional(),
})
const cancelledSchema = z.looseObject({
  event: z.literal('job:cancelled'),
  ...aboutWho,
  ...aboutJob,
  ...aboutChildren,
  reason: z.string(),
  attempt: z.number().int().min(1).optional(),
  worker_id: z.string().optional(),
  error: jobErrorSchema.optional(),
})
const failedSchema = z.looseObject({
  event: z.literal('job:failed'),
  ...aboutJob,
  ...aboutShortAttempt,
  ...aboutChildren,
  reason: z.string(),
  attempt: z.number().int().min(1).optional(),
  worker_id: z.string().optional(),
  error: jobErrorSchema,
})

/** The only definition of the log's content. Readers keep unknown members. */
export const jobEventSchema = z.discriminatedUnion('event', [
  createdSchema,
  scheduledSchema,
  startedSchema,
  progressSchema,
  retryingSchema,
  releasedSchema,
  finishedSchema,
  cancelledSchema,
  failedSchema,
])
export type JobEvent = z.infer<typeof jobEventSchema>

/** Stands for an event that this version cannot read: it continued the job's history in an unknown way. */
export interface UnreadableEvent extends z.infer<z.ZodObject<typeof aboutJob>> {
  event: 'unreadable'
  error: JobError
}

/** A message of a history as a reader of the log sees it. */
export type LoggedEvent = JobEvent | UnreadableEvent

export type CreatedEvent = z.infer<typeof createdSchema>
export type ScheduledEvent = z.infer<typeof scheduledSchema>

/** Events whose body can start a job as it is: `job:created` itself, the other two through a timer. */
export const triggerEventSchema = z.discriminatedUnion('event', [createdSchema, scheduledSchema, retryingSchema])
export type TriggerEvent = z.infer<typeof triggerEventSchema>

/** The attempt that a trigger made from this event starts. */
export const attemptToStart = (event: TriggerEvent): number =>
  event.event === 'job:retrying' ? event.attempt + 1 : event.attempt
