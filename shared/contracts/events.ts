import { z } from 'zod'
import { jobErrorSchema, PRIORITIES } from './job.ts'

/** Version of these schemas, sent as the header `Hasty-Contract`. */
export const CONTRACT_VERSION = 1

export const HEADERS = {
  /** Made anew for each publish: tells one's own stored event from a rival's. */
  nonce: 'Hasty-Nonce',
  /** On `job:due`: the sequence after which alone this trigger may start the job. */
  after: 'Hasty-After',
  contract: 'Hasty-Contract',
  /** On the `job:created` of an accept: the request that made it, so that nginx may repeat a POST. */
  requestId: 'Hasty-Request-Id',
  traceparent: 'traceparent',
} as const

export const backoffSchema = z.looseObject({
  kind: z.enum(['fixed', 'exponential']),
  base_ms: z.number().int().min(0),
  max_ms: z.number().int().min(0),
  /** Share of the delay that chance may take away, 0 to 1. */
  jitter: z.number().min(0).max(1),
})
export type Backoff = z.infer<typeof backoffSchema>

/** What a worker must know to run a job; every event that can become a trigger carries all of it. */
const jobSpecShape = {
  job_id: z.string(),
  object_id: z.string(),
  type: z.string(),
  priority: z.enum(PRIORITIES),
  tenant: z.string().optional(),
  created_at: z.string(),
  round: z.number().int().min(1),
  payload: z.unknown().optional(),
  /** Milliseconds one attempt may take. */
  timeout_ms: z.number().int().min(1),
  max_attempts: z.number().int().min(1),
  backoff: backoffSchema,
  crashes: z.number().int().min(0),
}

const aboutJob = { job_id: z.string(), object_id: z.string(), type: z.string(), at: z.string() }

const aboutAttempt = {
  ...aboutJob,
  attempt: z.number().int().min(1),
  worker_id: z.string(),
}

/** Sequence of the message that started the attempt: ties an attempt to one delivery of one trigger. */
const aboutRun = {
  ...aboutAttempt,
  trigger: z.number().int().min(1),
  crashes: z.number().int().min(0),
  /** The attempt runs in a child process of its own, so the death of its worker is not the job's fault. */
  isolated: z.boolean(),
}

/** The first attempt's number: 1, or the next one after an operator's retry or a wake-up by the sweeper. */
const createdSchema = z.looseObject({
  event: z.literal('job:created'),
  at: z.string(),
  attempt: z.number().int().min(1),
  ...jobSpecShape,
})
const scheduledSchema = z.looseObject({
  event: z.literal('job:scheduled'),
  at: z.string(),
  attempt: z.number().int().min(1),
  due_at: z.string(),
  ...jobSpecShape,
})
const startedSchema = z.looseObject({ event: z.literal('job:started'), ...aboutRun })
const progressSchema = z.looseObject({
  event: z.literal('job:progress'),
  ...aboutRun,
  percent: z.number(),
  message: z.string().nullable(),
  data: z.unknown().optional(),
})
/** `attempt` is the one that failed; the trigger made from this event starts the next. */
const retryingSchema = z.looseObject({
  event: z.literal('job:retrying'),
  ...jobSpecShape,
  ...aboutAttempt,
  due_at: z.string(),
  error: jobErrorSchema,
})
const releasedSchema = z.looseObject({ event: z.literal('job:released'), ...aboutRun })
const finishedSchema = z.looseObject({
  event: z.literal('job:finished'),
  ...aboutAttempt,
  result: z.unknown().optional(),
})
const cancelledSchema = z.looseObject({
  event: z.literal('job:cancelled'),
  ...aboutJob,
  reason: z.string(),
  attempt: z.number().int().min(1).optional(),
  worker_id: z.string().optional(),
  error: jobErrorSchema.optional(),
})
const failedSchema = z.looseObject({
  event: z.literal('job:failed'),
  ...aboutJob,
  reason: z.string(),
  attempt: z.number().int().min(1).optional(),
  worker_id: z.string().optional(),
  error: jobErrorSchema,
})

/** The only definition of what is in the log. Readers keep unknown members. */
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

export type CreatedEvent = z.infer<typeof createdSchema>

/** Events whose body, as it is, can start a job: `job:created` itself, the other two by way of a timer. */
export const triggerEventSchema = z.discriminatedUnion('event', [createdSchema, scheduledSchema, retryingSchema])
export type TriggerEvent = z.infer<typeof triggerEventSchema>

/** The attempt that a trigger made from this event starts. */
export const attemptToStart = (event: TriggerEvent): number =>
  event.event === 'job:retrying' ? event.attempt + 1 : event.attempt
