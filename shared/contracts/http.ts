import { z } from 'zod'
import { type Job, type JobStatus, PRIORITIES, statusOf } from './job.ts'
import { TYPE_PATTERN } from './subjects.ts'

/** Bytes of UTF-8, not characters. */
export const OBJECT_ID_MAX_BYTES = 512
export const BODY_MAX_BYTES = 1024 * 1024
export const BODY_MAX_DEPTH = 64
export const BODY_MAX_MEMBERS = 10_000
export const IDEMPOTENCY_KEY_MAX_LENGTH = 255
/** Longest timeout a job may ask for: one day, in milliseconds. */
export const TIMEOUT_MAX_MS = 24 * 60 * 60 * 1000

const encoder = new TextEncoder()

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
    type: z.string().regex(TYPE_PATTERN).default('sleep').meta({ description: 'The job type' }),
    payload: z.unknown().optional().meta({ description: 'Any JSON value that fits the type' }),
    priority: z.enum(PRIORITIES).default('normal'),
    timeout_ms: z
      .number()
      .int()
      .min(1)
      .max(TIMEOUT_MAX_MS)
      .optional()
      .meta({ description: 'Milliseconds an attempt may take' }),
  })
  .meta({ id: 'CreateJob' })
export type CreateJobBody = z.infer<typeof createJobBodySchema>

/** The answer to an accept. */
export interface JobAccepted {
  job_id: string
  object_id: string
  type: string
  status: JobStatus
  created_at: string
}

/** The answer to GET: the record without what is the store's own business. */
export type JobView = Pick<
  Job,
  | 'job_id'
  | 'object_id'
  | 'type'
  | 'priority'
  | 'created_at'
  | 'started_at'
  | 'finished_at'
  | 'attempts'
  | 'result'
  | 'error'
  | 'reason'
> & { status: JobStatus }

export const jobView = (job: Job): JobView => ({
  job_id: job.job_id,
  object_id: job.object_id,
  type: job.type,
  priority: job.priority,
  status: statusOf(job.phase),
  created_at: job.created_at,
  started_at: job.started_at,
  finished_at: job.finished_at,
  attempts: job.attempts,
  result: job.result,
  error: job.error,
  reason: job.reason,
})
