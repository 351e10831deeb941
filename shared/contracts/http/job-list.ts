import { z } from 'zod'
import { JOB_STATUSES } from '../log/job.ts'
import { typeSchema } from '../log/subjects.ts'
import { createJobBodySchema, jobSummaryViewSchema, tagSchema } from './jobs.ts'
import { aboutNumber, pageParameters, tenantFilterParameter, timeParameter, wholeNumberParameter } from './query.ts'

/** Statuses by which jobs are searched: `timeout` is a part of the failed and of the cancelled ones. */
export const SEARCH_STATUSES = [...JOB_STATUSES, 'timeout'] as const
export type SearchStatus = (typeof SEARCH_STATUSES)[number]

const statusesSchema = z.array(z.enum(SEARCH_STATUSES)).min(1)

const FINGERPRINT_PATTERN = /^[0-9a-f]{16}$/

const filterShape = {
  type: typeSchema.optional(),
  object_id: createJobBodySchema.shape.object_id.optional(),
  tag: tagSchema.optional().meta({ description: 'Only jobs with this tag' }),
  error: z
    .string()
    .regex(FINGERPRINT_PATTERN, 'must be a fingerprint of 16 digits or letters a-f, as in GET /v1/errors')
    .optional()
    .meta({ description: 'Only jobs that have an error of this fingerprint now, as in `GET /v1/errors`' }),
  created_after: timeParameter('RFC 3339; created at this time or later'),
  created_before: timeParameter('RFC 3339; created before this time'),
  ended_after: timeParameter('RFC 3339; ended at this time or later'),
  ended_before: timeParameter('RFC 3339; ended before this time'),
  tenant: tenantFilterParameter,
  worker: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'Only jobs of which an attempt ran on this worker' }),
  id_prefix: z
    .string()
    .regex(/^[0-9A-Za-z]{1,25}$/, 'must be 1 to 25 letters or digits')
    .optional()
    .meta({ description: 'Only jobs whose id begins so; ids begin with the time' }),
}

const ATTEMPTS_MIN_MAX = 1_000
const aboutAttemptsMin = 'Only jobs that had at least so many attempts'
const PAYLOAD_CONDITIONS_MAX = 5
const POINTER_PATTERN = /^(\/([^~/]|~[01])*)*$/

/** @param value what is compared */
const payloadConditions = <V extends z.ZodType>(value: V, description: string) =>
  z
    .record(z.string().regex(POINTER_PATTERN, 'must be a JSON pointer, such as /customer').max(200), value)
    .refine((conditions) => Object.keys(conditions).length <= PAYLOAD_CONDITIONS_MAX, {
      message: `must have at most ${PAYLOAD_CONDITIONS_MAX} members`,
    })
    .optional()
    .meta({ description })

/** A filter of jobs, as members of a JSON body: a job must match all given members. */
export const jobFilterSchema = z.strictObject({
  status: statusesSchema.optional(),
  ...filterShape,
  attempts_min: z.number().int().min(1).max(ATTEMPTS_MIN_MAX).optional().meta({ description: aboutAttemptsMin }),
  payload: payloadConditions(
    z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]),
    'Only jobs whose payload has this value at each JSON pointer, such as `{"/customer": 42}`',
  ),
})
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

const listFilterShape = {
  ...filterShape,
  attempts_min: wholeNumberParameter(1, ATTEMPTS_MIN_MAX)
    .optional()
    .meta(aboutNumber(aboutAttemptsMin, 1, ATTEMPTS_MIN_MAX)),
  payload: payloadConditions(
    z.string().max(1_000),
    'Only jobs whose payload has a value at a JSON pointer: `payload[/customer]=42`, or `payload/customer=42`; `payload=42` compares the whole payload',
  ).meta({ param: { style: 'deepObject', explode: true } }),
}

/** The same filter as parameters of an address. */
export const listJobsQuerySchema = z.strictObject({
  status: statusParameter(SEARCH_STATUSES),
  ...listFilterShape,
  ...pageParameters('Jobs per page'),
})

/** A filter, and which page of what it finds. */
export type ListJobsQuery = JobFilter & Pick<z.infer<typeof listJobsQuerySchema>, 'cursor' | 'limit'>

export const countJobsQuerySchema = z.strictObject({ status: statusParameter(SEARCH_STATUSES), ...listFilterShape })

/** How old the answer may be, because lists and counts are read from the store, which follows the log. */
export const ageShape = {
  as_of: z.string().nullable().meta({
    description: 'Everything that was accepted or happened until then is in the answer; null: not known yet',
  }),
  lag_ms: z.number().int().nullable().meta({ description: 'Milliseconds from `as_of` until the request' }),
}
const storeAgeSchema = z.object(ageShape)
export type StoreAge = z.infer<typeof storeAgeSchema>

/** How far a search came that no index answers. */
const scannedShape = {
  scanned_to: z.string().nullable().meta({
    description:
      'A search by `attempts_min`, `worker` or `payload` looks at jobs one after the other, and stops after a while: jobs created before this time were not looked at yet. null: all were, or an index found them',
  }),
}

export const jobCountSchema = z
  .object({
    ...ageShape,
    count: z.number().int().meta({ description: 'Jobs that match, 10,000 at most' }),
    capped: z.boolean().meta({ description: 'There are more' }),
    ...scannedShape,
  })
  .meta({ id: 'JobCount' })
export type JobCount = z.infer<typeof jobCountSchema>

export const jobListSchema = z
  .object({
    ...ageShape,
    items: z.array(jobSummaryViewSchema),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
    ...scannedShape,
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
