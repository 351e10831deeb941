import { z } from 'zod'
import { attemptSchema, JOB_STATUSES, jobErrorSchema } from '../log/job.ts'

/** Reasons why a job has not ended. Several may apply at once; the first is the one to look at first. */
export const WHY_CODES = [
  'ended',
  'running',
  'delayed',
  'waiting_for_retry',
  'paused',
  'no_live_worker',
  'at_concurrency_limit',
  'slots_held_by_abandoned_handlers',
  'behind',
  'next',
] as const

/**
 * What its owner can do about a job. `redrive`: what failed it lies in its type, so other jobs of the type have it too.
 * A job that would fail in the same way again is never advised to be retried.
 */
export const NEXT_ACTIONS = ['wait', 'retry', 'redrive', 'nothing'] as const

export const whySchema = z
  .object({
    job_id: z.string(),
    type: z.string(),
    status: z.enum(JOB_STATUSES),
    round: z.number().int(),
    reasons: z.array(z.object({ code: z.enum(WHY_CODES), detail: z.string() })),
    error: jobErrorSchema
      .nullable()
      .meta({ description: 'Why it failed or was cancelled; while it waits for a retry, why its last attempt failed' }),
    reason: z
      .string()
      .nullable()
      .meta({ description: 'Code of what ended it: `permanent`, `attempts_exhausted`, `timeout`, `requested` ...' }),
    next: z
      .object({
        action: z.enum(NEXT_ACTIONS),
        detail: z.string(),
        request_id: z.string().optional().meta({ description: 'The request that the job belongs to: retry that one' }),
      })
      .meta({ description: 'What to do next' }),
    attempts: z.array(attemptSchema).meta({ description: 'The last 200 attempts of all rounds, oldest first' }),
    due_at: z.string().nullable(),
    position: z.number().int().nullable().meta({
      description: 'Jobs ahead of it, judged by type and priority; null unless it is waiting',
    }),
    estimated_start_at: z
      .string()
      .nullable()
      .meta({ description: 'Estimated from the rate of its type over the last minute; null if none started' }),
  })
  .meta({ id: 'Why' })
export type Why = z.infer<typeof whySchema>
