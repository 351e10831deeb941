import { z } from 'zod'
import { jobFilterSchema } from './job-list.ts'
import { startTimeShape } from './jobs.ts'
import { manyJobsResultShape, manyJobsShape } from './many-jobs.ts'

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
    ...manyJobsShape,
  })
  .meta({ id: 'Redrive' })
export type RedriveBody = z.infer<typeof redriveBodySchema>

export const redriveResultSchema = z
  .object({
    ...manyJobsResultShape,
    retried: z.number().int(),
    next_run_at: z.string().meta({ description: '`run_at` for the next call, which keeps the rate' }),
  })
  .meta({ id: 'RedriveResult' })
export type RedriveResult = z.infer<typeof redriveResultSchema>
