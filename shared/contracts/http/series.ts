import { z } from 'zod'
import { typeSchema } from '../log/subjects.ts'
import { tenantFilterParameter, timeParameter } from './query.ts'

/** Lengths of the spans in which jobs are counted, in seconds. */
export const SERIES_STEPS = { '10s': 10, '1m': 60, '1h': 3_600 } as const
export type SeriesStep = keyof typeof SERIES_STEPS
const STEP_NAMES = ['10s', '1m', '1h'] as const satisfies SeriesStep[]

export const SERIES_POINTS_MAX = 2_200

export const seriesQuerySchema = z.strictObject({
  from: timeParameter('RFC 3339; the first span is the one that has this time'),
  to: timeParameter('RFC 3339; by default now'),
  step: z.enum(STEP_NAMES).optional().meta({
    description:
      'Length of a span; by default one that fits the range. Spans of 10 s are kept for 2 hours, of 1 m for 3 days, of 1 h for 90 days',
  }),
  type: typeSchema.optional(),
  tenant: tenantFilterParameter,
  by: z.enum(['type']).optional().meta({ description: '`type`: the points of each type beside those of all of them' }),
})
export type SeriesQuery = z.infer<typeof seriesQuerySchema>

const count = (description: string) => z.number().int().nullable().meta({ description })

const percentilesSchema = z
  .object({ p50: z.number().int(), p95: z.number().int(), p99: z.number().int() })
  .nullable()
  .meta({ description: 'Milliseconds, to about a tenth of their size; null where there is nothing' })

export const seriesPointSchema = z
  .object({
    t: z.string().meta({ description: 'Beginning of the span' }),
    accepted: count('Jobs created'),
    started: count('Attempts started'),
    completed: count('Jobs finished'),
    failed: count('Jobs failed'),
    cancelled: count('Jobs cancelled'),
    retried: count('Attempts that another one will follow'),
    wait: percentilesSchema,
    run: percentilesSchema,
    waiting: count('The most jobs not yet taken by a worker, as looked at every 9 seconds; null for a tenant'),
    running: count('The most jobs taken by workers at such a look; null for a tenant'),
  })
  .meta({ id: 'SeriesPoint', description: 'What happened in a span. null: it is not known, or not known yet' })
export type SeriesPoint = z.infer<typeof seriesPointSchema>

export const seriesSchema = z
  .object({
    step: z.enum(STEP_NAMES),
    complete_until: z
      .string()
      .nullable()
      .meta({ description: 'Spans that end by then do not change any more; null: not known yet' }),
    points: z.array(seriesPointSchema).max(SERIES_POINTS_MAX),
    by_type: z
      .record(z.string(), z.array(seriesPointSchema))
      .optional()
      .meta({ description: 'With `by=type`: the same spans for each type that had jobs in them' }),
  })
  .meta({ id: 'Series' })
export type Series = z.infer<typeof seriesSchema>
