import { z } from 'zod'
import { jobFilterSchema } from './job-list.ts'
import { startTimeShape } from './jobs.ts'

export const REDRIVE_LIMIT_MAX = 5_000

/** The filters of the list, and how the matching jobs are started again. */
export const redriveBodySchema = jobFilterSchema
  .extend({
    status: z
      .array(z.enum(['failed', 'cancelled', 'timeout']))
      .min(1)
      .default(['failed']),
    rate_per_s: z
      .number()
      .min(0.01)
      .max(10_000)
      .optional()
      .meta({ description: 'Jobs retried per second; by default all at once' }),
    run_at: startTimeShape.run_at,
    dry_run: z.boolean().default(false).meta({ description: 'Only report which jobs match' }),
    limit: z.number().int().min(1).max(REDRIVE_LIMIT_MAX).default(1_000).meta({ description: 'Jobs per call' }),
    cursor: z.string().min(1).max(200).optional().meta({ description: '`next_cursor` of the previous answer' }),
  })
  .meta({ id: 'Redrive' })
export type RedriveBody = z.infer<typeof redriveBodySchema>

export const redriveResultSchema = z
  .object({
    dry_run: z.boolean(),
    matched: z.number().int().meta({ description: 'Jobs that matched the filters in this call' }),
    retried: z.number().int(),
    skipped: z.number().int().meta({ description: 'Jobs that were retried or changed by others in the meantime' }),
    job_ids: z.array(z.string()).meta({ description: 'The first 100 matched jobs, newest first' }),
    next_cursor: z.string().nullable().meta({ description: 'null: no jobs are left' }),
    next_run_at: z.string().meta({ description: '`run_at` for the next call, which keeps the rate' }),
  })
  .meta({ id: 'RedriveResult' })
export type RedriveResult = z.infer<typeof redriveResultSchema>
