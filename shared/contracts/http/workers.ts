import { z } from 'zod'
import { ATTEMPT_OUTCOMES, jobErrorSchema } from '../log/job.ts'
import { pageParameters } from './query.ts'

/** A worker writes once a second; silent for so long, milliseconds, it no longer counts as live. */
export const LIVE_WITHIN_MS = 5_000
/** Of the attempts that a worker runs so many are shown. */
export const RUNNING_SHOWN_MAX = 100
export const WORKERS_MAX = 1_000

/** `superseded`: the job had gone on without the attempt, so its outcome was refused. */
export const WORKER_ATTEMPT_OUTCOMES = [...ATTEMPT_OUTCOMES, 'superseded'] as const
export type WorkerAttemptOutcome = (typeof WORKER_ATTEMPT_OUTCOMES)[number]

const count = (description: string) => z.number().int().meta({ description })

const workerShape = {
  worker_id: z.string(),
  live: z.boolean().meta({ description: `Wrote within the last ${LIVE_WITHIN_MS / 1000} s and has not stopped` }),
  host: z.string(),
  pid: z.number().int(),
  version: z.string(),
  types: z.array(z.string()).meta({ description: 'Job types it has handlers for' }),
  slots: count('Jobs at once'),
  running: count('Attempts it ran when it last wrote'),
  processed: count('Attempts that ended here, whatever became of them'),
  failed: count('Of these: the job failed, or the attempt crashed'),
  cancelled: count('Of these: at the timeout or on request'),
  retried: count('Of these: another attempt follows'),
  since: z.string().meta({ description: 'When it started' }),
  beat_at: z.string().meta({ description: 'When it last wrote, by its own clock' }),
  stopped_at: z.string().nullable().meta({ description: 'When it stopped in order; null also where it was killed' }),
}

export const workerViewSchema = z.object(workerShape).meta({ id: 'Worker' })
export type WorkerView = z.infer<typeof workerViewSchema>

const startedShape = {
  job_id: z.string(),
  type: z.string(),
  attempt: z.number().int(),
  started_at: z.string(),
}

export const workerDetailSchema = z
  .object({
    ...workerShape,
    running_jobs: z
      .array(z.object(startedShape))
      .meta({ description: `The ${RUNNING_SHOWN_MAX} that run longest; none once it is no longer live` }),
  })
  .meta({ id: 'WorkerDetail' })
export type WorkerDetail = z.infer<typeof workerDetailSchema>

export const workerListSchema = z
  .object({ items: z.array(workerViewSchema).max(WORKERS_MAX).meta({ description: 'The newest first' }) })
  .meta({ id: 'WorkerList' })
export type WorkerList = z.infer<typeof workerListSchema>

export const workerAttemptSchema = z
  .object({
    worker_id: z.string(),
    ...startedShape,
    ended_at: z.string(),
    outcome: z.enum(WORKER_ATTEMPT_OUTCOMES),
    error: jobErrorSchema.nullable(),
  })
  .meta({ id: 'WorkerAttempt' })
export type WorkerAttempt = z.infer<typeof workerAttemptSchema>

export const workerAttemptsSchema = z
  .object({
    items: z.array(workerAttemptSchema).meta({ description: 'What ended last comes first' }),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'WorkerAttempts' })
export type WorkerAttempts = z.infer<typeof workerAttemptsSchema>

export const listWorkersQuerySchema = z.strictObject({
  live: z
    .enum(['true', 'false'], 'must be true or false')
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: 'Only those that are live, or only those that are not' }),
})

export const listWorkerAttemptsQuerySchema = z.strictObject(pageParameters('Attempts a page'))
