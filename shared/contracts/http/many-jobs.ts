import { z } from 'zod'
import { ageShape } from './job-list.ts'

// What the operations that change all jobs of a filter have in common: redrive and cancel.

export const manyJobsShape = {
  dry_run: z.boolean().default(false).meta({ description: 'Only report which jobs match' }),
  limit: z.number().int().min(1).max(5_000).default(1_000).meta({ description: 'Jobs per call' }),
  cursor: z.string().min(1).max(200).optional().meta({ description: '`next_cursor` of the previous answer' }),
}

export const manyJobsResultShape = {
  ...ageShape,
  dry_run: z.boolean(),
  matched: z.number().int().meta({ description: 'Jobs that matched the filters in this call' }),
  skipped: z.number().int().meta({ description: 'Jobs that others had changed in the meantime' }),
  job_ids: z.array(z.string()).meta({ description: 'The first 100 matched jobs, newest first' }),
  next_cursor: z.string().nullable().meta({ description: 'null: no jobs are left' }),
}

const manyJobsResultSchema = z.object(manyJobsResultShape)
export type ManyJobsResult = z.infer<typeof manyJobsResultSchema>
