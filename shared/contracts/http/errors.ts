import { z } from 'zod'
import { typeSchema } from '../log/subjects.ts'
import { pageParameters, tenantFilterParameter, timeParameter } from './query.ts'

/** Hours of the sparkline of an error. */
export const SPARK_HOURS = 24

export const listErrorsQuerySchema = z.strictObject({
  type: typeSchema.optional(),
  from: timeParameter('RFC 3339; last seen at this time or later'),
  to: timeParameter('RFC 3339; first seen before this time'),
  tenant: tenantFilterParameter,
  ...pageParameters('Errors per page'),
})
export type ListErrorsQuery = z.infer<typeof listErrorsQuerySchema>

export const errorViewSchema = z
  .object({
    fingerprint: z.string().meta({
      description:
        'Value of the filter `error`. `other` stands for all errors beyond the 5,000 that are told apart of a tenant, and is no value of the filter',
    }),
    type: z.string(),
    name: z.string(),
    code: z.string().nullable(),
    message: z
      .string()
      .meta({ description: 'Without what differs from job to job: numbers, ids, quoted texts, addresses and paths' }),
    jobs_failed_now: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Jobs that failed with it and were not retried since; null for `other`' }),
    count: z.number().int().meta({ description: 'Attempts and jobs that ended with it' }),
    first_at: z.string(),
    last_at: z.string(),
    sample_job_id: z.string().meta({ description: 'The job that had it last' }),
    spark: z
      .array(z.number().int())
      .length(SPARK_HOURS)
      .meta({ description: 'How often in each of the last 24 hours, the current hour last' }),
  })
  .meta({ id: 'JobErrorGroup' })
export type ErrorView = z.infer<typeof errorViewSchema>

export const errorListSchema = z
  .object({
    errors: z.array(errorViewSchema).meta({ description: 'Last seen first' }),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'JobErrorGroups' })
export type ErrorList = z.infer<typeof errorListSchema>
