import { z } from 'zod'
import { JOB_STATUSES } from '../log/job.ts'

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

export const whySchema = z
  .object({
    job_id: z.string(),
    status: z.enum(JOB_STATUSES),
    reasons: z.array(z.object({ code: z.enum(WHY_CODES), detail: z.string() })),
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
