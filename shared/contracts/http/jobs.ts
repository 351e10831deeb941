import { z } from 'zod'
import {
  attemptSchema,
  backoffSchema,
  childSchema,
  JOB_PHASES,
  JOB_STATUSES,
  type Job,
  type JobSummary,
  jobErrorSchema,
  PRIORITIES,
  progressSchema,
  statusOf,
} from '../log/job.ts'
import { tagsMember, tenantMember } from '../log/job-spec.ts'
import { ATTEMPTS_MAX, DELAY_MAX_MS, TIMEOUT_MAX_MS } from '../log/limits.ts'
import { typeSchema } from '../log/subjects.ts'

/** Bytes of UTF-8, not characters. */
export const OBJECT_ID_MAX_BYTES = 512
export const BODY_MAX_BYTES = 1024 * 1024
export const BODY_MAX_DEPTH = 64
export const BODY_MAX_MEMBERS = 10_000
export const IDEMPOTENCY_KEY_MAX_LENGTH = 255
/** Prefix of keys for one call and its repeats, which are kept for an hour instead of a day. */
export const ONE_CALL_KEY_PREFIX = 'once-'
/** Longest address of a webhook, in characters. */
export const CALLBACK_URL_MAX_LENGTH = 2_048

const encoder = new TextEncoder()

/** The start of a job; at most one of the two members may be given. */
export const startTimeShape = {
  delay_ms: z
    .number()
    .int()
    .min(0)
    .max(DELAY_MAX_MS)
    .optional()
    .meta({ description: 'Milliseconds from now until the job may start' }),
  run_at: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'RFC 3339: when the job may start; a time in the past means now' }),
}

/** Only for the description: the routes check this themselves, with a message of their own. */
const onlyOneStart = { not: { required: ['delay_ms', 'run_at'] } }

export const TAGS_MAX = 16
export const tagSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9:._/@=+-]{0,127}$/,
    'must be 1 to 128 letters, digits or :._/@=+-, a letter or digit first',
  )

const attemptsField = z.number().int().min(1).max(ATTEMPTS_MAX)
const timeoutField = z.number().int().min(1).max(TIMEOUT_MAX_MS)

export const createJobBodySchema = z
  .strictObject({
    object_id: z
      .string()
      .min(1)
      // Every UTF-16 unit is at most 3 bytes: most strings need no encoding to be known short enough.
      .refine((text) => text.length * 3 <= OBJECT_ID_MAX_BYTES || encoder.encode(text).length <= OBJECT_ID_MAX_BYTES, {
        error: `must be at most ${OBJECT_ID_MAX_BYTES} bytes of UTF-8`,
      })
      .meta({ description: `What the job is about: 1 to ${OBJECT_ID_MAX_BYTES} bytes of any text` }),
    type: typeSchema.meta({ description: 'The job type' }),
    payload: z.unknown().optional().meta({ description: 'Any JSON value that matches the schema of the type' }),
    priority: z.enum(PRIORITIES).default('normal'),
    timeout_ms: timeoutField.optional().meta({ description: 'Time limit of an attempt, in milliseconds' }),
    attempts: attemptsField.optional().meta({
      description: "Total number of attempts, including the first; by default `max_attempts` of the type's policy",
    }),
    backoff: z
      .strictObject({
        kind: z.enum(['fixed', 'exponential']),
        base_ms: z.number().int().min(0).max(DELAY_MAX_MS),
        max_ms: z.number().int().min(0).max(DELAY_MAX_MS),
        jitter: z.number().min(0).max(1),
      })
      .partial()
      .optional()
      .meta({ description: "How long to wait between attempts; omitted members default to the type's" }),
    ...startTimeShape,
    tags: z
      .array(tagSchema)
      .max(TAGS_MAX)
      .refine((tags) => new Set(tags).size === tags.length, 'must not name a tag twice')
      .optional()
      .meta({ description: 'Words to find the job by, as in `customer:42`', override: { uniqueItems: true } }),
    callback_url: z
      .string()
      .min(1)
      .max(CALLBACK_URL_MAX_LENGTH)
      .optional()
      .meta({
        description: 'Receives a signed webhook when the job ends',
        override: { format: 'uri', pattern: '^https?://' },
      }),
  })
  .meta({
    id: 'CreateJob',
    examples: [
      { object_id: 'order-1', type: 'sleep' },
      { object_id: 'sum-1', type: 'add', payload: { numbers: [1, 2, 3] } },
    ],
    ...onlyOneStart,
  })
export type CreateJobBody = z.infer<typeof createJobBodySchema>

/** The body at the root, where the operator may have set a type for jobs that name none. */
export const rootJobBodySchema = createJobBodySchema
  .extend({
    type: createJobBodySchema.shape.type.optional().meta({ description: 'The job type; by default DEFAULT_JOB_TYPE' }),
  })
  .meta({
    id: 'CreateJobAtRoot',
    examples: [{ object_id: 'order-1' }, { object_id: 'sum-1', type: 'add', payload: { numbers: [1, 2, 3] } }],
    ...onlyOneStart,
  })

/** The body that starts a new round of a job that failed or was cancelled. */
export const retryJobBodySchema = z
  .strictObject({ timeout_ms: timeoutField.optional(), attempts: attemptsField.optional(), ...startTimeShape })
  .meta({ id: 'RetryJob', ...onlyOneStart })
export type RetryJobBody = z.infer<typeof retryJobBodySchema>

/** The body that sets another start for a job that waits for its start. */
export const rescheduleJobBodySchema = z
  .strictObject(startTimeShape)
  .meta({ id: 'RescheduleJob', minProperties: 1, maxProperties: 1 })
export type RescheduleJobBody = z.infer<typeof rescheduleJobBodySchema>

export const cancelJobBodySchema = z
  .strictObject({
    reason: z
      .string()
      .min(1)
      .max(1_000)
      .optional()
      .meta({ description: 'Reason for people to read, shown as the error' }),
  })
  .meta({ id: 'CancelJob' })
export type CancelJobBody = z.infer<typeof cancelJobBodySchema>

/** The answer when a job was accepted. */
export const jobAcceptedSchema = z
  .object({
    job_id: z.string(),
    object_id: z.string(),
    type: z.string(),
    status: z.enum(JOB_STATUSES),
    created_at: z.string(),
    due_at: z.string().optional(),
  })
  .meta({ id: 'JobAccepted' })
export type JobAccepted = z.infer<typeof jobAcceptedSchema>

/** The answer to GET: the stored record without the members that only the store needs. */
export const jobViewSchema = z
  .object({
    job_id: z.string(),
    object_id: z.string(),
    tenant: z
      .string()
      .optional()
      .meta({ description: 'The tenant that owns the job; absent where the token named none' }),
    tags: z.array(z.string()).optional().meta({ description: 'Absent where the job has none' }),
    type: z.string(),
    priority: z.enum(PRIORITIES),
    parent_job_id: z
      .string()
      .optional()
      .meta({ description: 'The job whose handler made this one; absent where a caller or a schedule did' }),
    trace_id: z
      .string()
      .optional()
      .meta({ description: 'The trace of the call that it came with; absent without one' }),
    status: z.enum(JOB_STATUSES),
    phase: z.enum(JOB_PHASES).meta({ description: 'A finer status: a processing job is waiting, running or retrying' }),
    round: z.number().int().meta({ description: 'Starts at 1 and counts up with each retry of the ended job' }),
    created_at: z.string(),
    due_at: z.string().nullable().meta({ description: 'When a scheduled or retrying job may start' }),
    started_at: z.string().nullable(),
    finished_at: z.string().nullable(),
    updated_at: z.string(),
    timeout_ms: z.number().int(),
    max_attempts: z.number().int().meta({ description: 'Number of the last attempt that this round may have' }),
    backoff: backoffSchema,
    callback_url: z.string().nullable(),
    progress: progressSchema.nullable(),
    attempts: z.array(attemptSchema).meta({ description: 'The last 200 attempts of all rounds, oldest first' }),
    children: z
      .array(childSchema)
      .optional()
      .meta({ description: "Jobs that the job's own handler made, as told by its attempts that have ended" }),
    payload: z.unknown(),
    result: z.unknown(),
    error: jobErrorSchema.nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'Job' })
export type JobView = z.infer<typeof jobViewSchema>

/** A job in a list: members that may be large are shown only at the job's own address. */
export const jobSummaryViewSchema = jobViewSchema
  .omit({ payload: true, result: true, children: true })
  .meta({ id: 'JobSummary' })
export type JobSummaryView = z.infer<typeof jobSummaryViewSchema>

export const jobView = (job: Job): JobView => ({
  ...jobSummaryView(job),
  ...(job.children === undefined ? {} : { children: job.children }),
  payload: job.payload,
  result: job.result,
})

export const jobSummaryView = (job: JobSummary): JobSummaryView => ({
  job_id: job.job_id,
  object_id: job.object_id,
  ...tenantMember(job.tenant),
  ...tagsMember(job.tags),
  type: job.type,
  priority: job.priority,
  ...(job.parent_job_id === undefined ? {} : { parent_job_id: job.parent_job_id }),
  ...(job.trace_id === undefined ? {} : { trace_id: job.trace_id }),
  status: statusOf(job.phase),
  phase: job.phase,
  round: job.round,
  created_at: job.created_at,
  due_at: job.due_at,
  started_at: job.started_at,
  finished_at: job.finished_at,
  updated_at: job.updated_at,
  timeout_ms: job.timeout_ms,
  max_attempts: job.max_attempts,
  backoff: job.backoff,
  callback_url: job.callback_url,
  progress: job.progress,
  attempts: job.attempts,
  error: job.error,
  reason: job.reason,
})
