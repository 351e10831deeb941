import { z } from 'zod'

/**
 * What becomes of a type's jobs: `running`, workers have some or end some; `idle`, there are none; `stalled`, some wait
 * and no live worker runs the type; `paused`, some wait because the type is paused.
 */
const RUN_STATES = ['running', 'idle', 'stalled', 'paused', 'unknown'] as const
export type RunState = (typeof RUN_STATES)[number]

const VERDICTS = ['healthy', 'no_worker', 'backlog_growing', 'broker_lost'] as const

const count = (description: string) => z.number().int().nullable().meta({ description })

export const liveTypeSchema = z
  .object({
    state: z.enum(RUN_STATES).meta({
      description:
        '`running`: workers have some or end some; `idle`: there are none; `stalled`: some wait and no live worker runs the type; `paused`: some wait and the type is paused; `unknown`: the broker does not answer',
    }),
    waiting: count('Jobs not yet taken by a worker; for a tenant also those that run'),
    running: count('Jobs taken by workers; null for a tenant, whose jobs no worker knows apart'),
    in: count('Jobs accepted since the digest before; null in the first one'),
    out: count('Jobs ended since then'),
    failed: count('Jobs failed since then'),
  })
  .meta({ id: 'LiveType' })
export type LiveType = z.infer<typeof liveTypeSchema>

export const digestSchema = z
  .object({
    t: z.string(),
    types: z.record(z.string(), liveTypeSchema),
    workers: z.number().int().nullable().meta({ description: 'Live workers; null: the broker does not answer' }),
    verdict: z.object({
      code: z.enum(VERDICTS),
      type: z.string().nullable().meta({ description: 'The type that it is about' }),
      detail: z.string(),
    }),
    changed_jobs_at: z.string().meta({
      description: 'When a job was last seen to be created, to start or to end: a list read before may be out of date',
    }),
  })
  .meta({ id: 'Digest', description: 'What happens now, in numbers' })
export type Digest = z.infer<typeof digestSchema>
