import { z } from 'zod'
import { jobFilterSchema } from './job-list.ts'
import { cancelJobBodySchema } from './jobs.ts'
import { manyJobsResultShape, manyJobsShape } from './many-jobs.ts'

const FILTERS = [
  'type',
  'object_id',
  'tag',
  'error',
  'created_after',
  'created_before',
  'tenant',
  'worker',
  'id_prefix',
  'attempts_min',
  'payload',
] as const

/** The filters of the list that mean something before the end. One must be given: nobody cancels everything by accident. */
export const cancelJobsBodySchema = jobFilterSchema
  .omit({ status: true, ended_after: true, ended_before: true })
  .extend({
    status: z
      .array(z.enum(['scheduled', 'processing']))
      .min(1)
      .default(['scheduled', 'processing']),
    reason: cancelJobBodySchema.shape.reason,
    ...manyJobsShape,
  })
  .refine((body) => FILTERS.some((name) => body[name] !== undefined), {
    message: `must have at least one of ${FILTERS.join(', ')}`,
  })
  .meta({
    id: 'CancelJobs',
    description: `At least one of ${FILTERS.join(', ')}`,
    anyOf: FILTERS.map((name) => ({ required: [name] })),
  })
export type CancelJobsBody = z.infer<typeof cancelJobsBodySchema>

export const cancelJobsResultSchema = z
  .object({
    ...manyJobsResultShape,
    cancelled: z.number().int(),
  })
  .meta({ id: 'CancelJobsResult' })
export type CancelJobsResult = z.infer<typeof cancelJobsResultSchema>
