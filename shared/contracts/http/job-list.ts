import { z } from 'zod'
import { JOB_STATUSES } from '../log/job.ts'
import { TYPE_PATTERN } from '../log/subjects.ts'
import { createJobBodySchema, jobSummaryViewSchema } from './jobs.ts'
import { pageParameters } from './query.ts'

const statusesSchema = z.array(z.enum(JOB_STATUSES)).min(1)

const filterShape = {
  type: z.string().regex(TYPE_PATTERN).optional(),
  object_id: createJobBodySchema.shape.object_id.optional(),
  created_after: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'RFC 3339; created at this time or later' }),
  created_before: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'RFC 3339; created before this time' }),
}

/** A filter of jobs, as members of a JSON body: a job must match all given members. */
export const jobFilterSchema = z.strictObject({ status: statusesSchema.optional(), ...filterShape })
export type JobFilter = z.infer<typeof jobFilterSchema>

/** The filter as a parameter of an address, where everything is text: `status=failed,cancelled`, or `status` twice. */
export const statusParameter = <const Status extends string>(statuses: readonly [Status, ...Status[]]) =>
  z
    .union([z.string(), z.array(z.string())])
    .transform((texts) => [texts].flat().flatMap((text) => text.split(',')))
    .pipe(z.array(z.enum(statuses)).min(1))
    .optional()
    .meta({
      description: 'One or several, separated by commas or as a repeated parameter',
      // The description shows the list alone, which is how a repeated parameter is described.
      override: ({ jsonSchema }: { jsonSchema: Record<string, unknown> }) => {
        delete jsonSchema['anyOf']
        Object.assign(jsonSchema, { type: 'array', items: { type: 'string', enum: statuses }, minItems: 1 })
      },
    })

/** The same filter as parameters of an address. */
export const listJobsQuerySchema = z.strictObject({
  status: statusParameter(JOB_STATUSES),
  ...filterShape,
  ...pageParameters('Jobs per page'),
})
export type ListJobsQuery = z.infer<typeof listJobsQuerySchema>

export const jobListSchema = z
  .object({
    items: z.array(jobSummaryViewSchema),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'JobList' })
export type JobList = z.infer<typeof jobListSchema>

const countSchema = z.number().int()

export const jobStatsSchema = z
  .object({
    total: countSchema,
    by_status: z.record(z.enum(JOB_STATUSES), countSchema),
    by_type: z
      .record(z.string(), z.partialRecord(z.enum(JOB_STATUSES), countSchema))
      .meta({ description: 'Jobs per status, for each type' }),
  })
  .meta({ id: 'JobStats' })
export type JobStats = z.infer<typeof jobStatsSchema>
