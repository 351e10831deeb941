import { z } from 'zod'
import { JOB_STATUSES } from '../log/job.ts'
import { TYPE_PATTERN } from '../log/subjects.ts'
import { createJobBodySchema, jobSummaryViewSchema, tagSchema } from './jobs.ts'
import { pageParameters } from './query.ts'

/** Statuses by which jobs are searched: `timeout` is a part of the failed and of the cancelled ones. */
export const SEARCH_STATUSES = [...JOB_STATUSES, 'timeout'] as const
export type SearchStatus = (typeof SEARCH_STATUSES)[number]

const statusesSchema = z.array(z.enum(SEARCH_STATUSES)).min(1)

const filterShape = {
  type: z.string().regex(TYPE_PATTERN).optional(),
  object_id: createJobBodySchema.shape.object_id.optional(),
  tag: tagSchema.optional().meta({ description: 'Only jobs with this tag' }),
  created_after: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'RFC 3339; created at this time or later' }),
  created_before: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'RFC 3339; created before this time' }),
  ended_after: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'RFC 3339; ended at this time or later' }),
  ended_before: z.iso.datetime({ offset: true }).optional().meta({ description: 'RFC 3339; ended before this time' }),
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
  status: statusParameter(SEARCH_STATUSES),
  ...filterShape,
  ...pageParameters('Jobs per page'),
})
export type ListJobsQuery = z.infer<typeof listJobsQuerySchema>

/** How old the answer may be, because lists and counts are read from the store, which follows the log. */
export const ageShape = {
  as_of: z.string().nullable().meta({
    description: 'Everything that was accepted or happened until then is in the answer; null: not known yet',
  }),
  lag_ms: z.number().int().nullable().meta({ description: 'Milliseconds from `as_of` until the request' }),
}
const storeAgeSchema = z.object(ageShape)
export type StoreAge = z.infer<typeof storeAgeSchema>

export const jobListSchema = z
  .object({
    ...ageShape,
    items: z.array(jobSummaryViewSchema),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'JobList' })
export type JobList = z.infer<typeof jobListSchema>

const countSchema = z.number().int()

export const jobStatsSchema = z
  .object({
    ...ageShape,
    total: countSchema,
    by_status: z.record(z.enum(JOB_STATUSES), countSchema),
    by_type: z
      .record(z.string(), z.partialRecord(z.enum(JOB_STATUSES), countSchema))
      .meta({ description: 'Jobs per status, for each type' }),
  })
  .meta({ id: 'JobStats' })
export type JobStats = z.infer<typeof jobStatsSchema>
