import { z } from 'zod'
import { ATTEMPT_OUTCOMES, jobErrorSchema } from '../log/job.ts'
import { pageParameters } from './query.ts'

/** Silence, in milliseconds, after which a worker no longer counts as live. Each writes once a second. */
export const LIVE_WITHIN_MS = 5_000
/** Number of running attempts of a worker that are shown. */
export const RUNNING_SHOWN_MAX = 100
export const WORKERS_MAX = 1_000

/** `superseded`: the job had continued without the attempt, so its outcome was refused. */
export const WORKER_ATTEMPT_OUTCOMES = [...ATTEMPT_OUTCOMES, 'superseded'] as const
export type WorkerAttemptOutcome = (typeof WORKER_ATTEMPT_OUTCOMES)[number]

const count = (description: string) => z.number().int().meta({ description })

const workerShape = {
  worker_id: z.string(),
  live: z.boolean().meta({ description: `Reported within the last ${LIVE_WITHIN_MS / 1000} s and has not stopped` }),
  host: z.string(),
  pid: z.number().int(),
  version: z.string(),
  types: z.array(z.string()).meta({ description: 'Job types that it has handlers for' }),
  slots: count('Maximum number of jobs at once'),
  running: count('Slots taken at the last report: running attempts, and abandoned handlers that still hold theirs'),
  abandoned: count('Handlers that ignore that they were told to stop, and still run'),
  processed: count('Attempts that ended, with any outcome'),
  failed: count('Processed attempts that failed the job or crashed'),
  cancelled: count('Processed attempts that were cancelled, by timeout or on request'),
  retried: count('Processed attempts that another attempt followed'),
  since: z.string().meta({ description: 'When the worker started' }),
  beat_at: z.string().meta({ description: 'When it last reported, by its own clock' }),
  stopped_at: z
    .string()
    .nullable()
    .meta({ description: 'When it shut down cleanly; null while running or if it was killed' }),
}

export const workerViewSchema = z.object(workerShape).meta({ id: 'Worker' })
export type WorkerView = z.infer<typeof workerViewSchema>

const startedShape = {
  job_id: z.string(),
  type: z.string(),
  attempt: z.number().int(),
  started_at: z.string(),
}

const abandonedSchema = z
  .literal(true)
  .optional()
  .meta({ description: 'The attempt has ended; its handler ignores that it was told to stop, and holds its slot' })

export const workerDetailSchema = z
  .object({
    ...workerShape,
    running_jobs: z
      .array(z.object({ ...startedShape, abandoned: abandonedSchema }))
      .meta({ description: `Up to ${RUNNING_SHOWN_MAX} running jobs, longest first; empty once it is no longer live` }),
  })
  .meta({ id: 'WorkerDetail' })
export type WorkerDetail = z.infer<typeof workerDetailSchema>

export const workerListSchema = z
  .object({ items: z.array(workerViewSchema).max(WORKERS_MAX).meta({ description: 'Newest first' }) })
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
    items: z.array(workerAttemptSchema).meta({ description: 'Last ended first' }),
    next_cursor: z.string().nullable().meta({ description: 'null on the last page' }),
  })
  .meta({ id: 'WorkerAttempts' })
export type WorkerAttempts = z.infer<typeof workerAttemptsSchema>

export const listWorkersQuerySchema = z.strictObject({
  live: z
    .enum(['true', 'false'], 'must be true or false')
    .transform((text) => text === 'true')
    .optional()
    .meta({ description: '`true`: only live workers; `false`: only the others' }),
})

export const listWorkerAttemptsQuerySchema = z.strictObject(pageParameters('Attempts per page'))
