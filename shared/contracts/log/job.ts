import { z } from 'zod'

export const PRIORITIES = ['high', 'normal', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]

/** Statuses that a caller sees. `processing` covers waiting, running and waiting for a retry. */
export const JOB_STATUSES = ['scheduled', 'processing', 'finished', 'cancelled', 'failed'] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

/** The finer state of a job; the sweeper and "why" read it, and `status` is derived from it. */
export const JOB_PHASES = ['scheduled', 'waiting', 'running', 'retrying', 'finished', 'cancelled', 'failed'] as const
export type JobPhase = (typeof JOB_PHASES)[number]

export const ATTEMPT_OUTCOMES = ['finished', 'retrying', 'cancelled', 'failed', 'released', 'crashed'] as const
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number]

/** An error as stored and shown: bounded text, never a stack. `code` is present when the thrown error had one. */
export const jobCauseSchema = z.looseObject({
  name: z.string(),
  message: z.string(),
  code: z.string().optional(),
})
export type JobCause = z.infer<typeof jobCauseSchema>

export const jobErrorSchema = z.looseObject({
  ...jobCauseSchema.shape,
  causes: z
    .array(jobCauseSchema)
    .optional()
    .meta({ description: 'Causes from the outermost to the innermost, including the parts of an AggregateError' }),
})
export type JobError = z.infer<typeof jobErrorSchema>

export const backoffSchema = z.looseObject({
  kind: z.enum(['fixed', 'exponential']),
  /** Milliseconds before the second attempt. */
  base_ms: z.number().int().min(0),
  max_ms: z.number().int().min(0),
  /** Share of the delay that jitter may take away, 0 to 1. */
  jitter: z.number().min(0).max(1),
})
export type Backoff = z.infer<typeof backoffSchema>

export const attemptSchema = z
  .object({
    attempt: z.number().int().meta({
      description: 'Counts from 1. A worker that shuts down hands its attempt over, so a number can appear twice',
    }),
    round: z
      .number()
      .int()
      .optional()
      .meta({ description: 'The round of the job in which it ran; absent where an earlier version stored it' }),
    worker_id: z.string(),
    started_at: z.string(),
    ended_at: z.string().nullable(),
    outcome: z.enum(ATTEMPT_OUTCOMES).nullable().meta({ description: 'null while the attempt runs' }),
    error: jobErrorSchema.nullable(),
  })
  .meta({ id: 'Attempt' })
export type Attempt = z.infer<typeof attemptSchema>

export const progressSchema = z
  .object({ percent: z.number(), message: z.string().nullable(), data: z.unknown(), at: z.string() })
  .meta({ id: 'Progress' })
export type Progress = z.infer<typeof progressSchema>

/**
 * One event of a job's history as people are shown it: what happened, when, and the members that only this event has.
 */
export const eventNoteSchema = z
  .object({
    seq: z.number().int().meta({ description: 'Position of the event in the log, which rises with gaps' }),
    event: z.string(),
    at: z.string(),
    round: z.number().int().optional(),
    attempt: z.number().int().optional(),
    worker_id: z.string().optional(),
    by: z.string().optional().meta({ description: 'Who caused it: the subject of the token' }),
    started_at: z.string().optional().meta({ description: 'On the outcome of an attempt without a `job:started`' }),
    due_at: z.string().optional(),
    lease_until: z.string().optional().meta({ description: 'The lease of a worker that claimed the job over HTTP' }),
    reason: z.string().optional(),
    error: jobErrorSchema.optional(),
    percent: z.number().optional(),
    message: z.string().nullable().optional(),
  })
  .meta({ id: 'JobEvent' })
export type EventNote = z.infer<typeof eventNoteSchema>

/** A job that a handler made, as its parent knows it. */
export const childSchema = z.looseObject({
  name: z.string().meta({ description: 'The name by which the handler made it' }),
  job_id: z.string(),
  type: z.string(),
})
export type Child = z.infer<typeof childSchema>

/** The fold of one job's history. Times are ISO 8601 UTC. `payload`, `result` and `progress.data` are any JSON value. */
export interface Job {
  job_id: string
  object_id: string
  type: string
  priority: Priority
  tenant: string | null
  /** Absent where the job has none. */
  tags?: string[]
  /** The job whose handler made this one. */
  parent_job_id?: string
  /** The trace of the call that the job came with; absent where there was none. */
  trace_id?: string
  /** Jobs that its own handler made, as far as the attempts that made them could tell. */
  children?: Child[]
  phase: JobPhase
  /** Counts operator retries of an ended job; the first run is round 1. */
  round: number
  created_at: string
  started_at: string | null
  finished_at: string | null
  /** When a scheduled or retrying job may start. */
  due_at: string | null
  payload: unknown
  timeout_ms: number
  /** Number of the last attempt this round may have. */
  max_attempts: number
  /** Number of this round's first attempt. */
  first_attempt: number
  backoff: Backoff
  /** Address of the webhook that is sent when a round ends. */
  callback_url: string | null
  attempts: Attempt[]
  /** The whole history, oldest first; only the latest progress of each attempt. */
  events: EventNote[]
  progress: Progress | null
  result: unknown
  error: JobError | null
  reason: string | null
  /** Number of workers that died while they ran this job in their own process. */
  crashes: number
  /** Stream sequence of the last event folded in: the version of this record. */
  seq: number
  /** When that last event was created. */
  updated_at: string
}

/** A job without the two members that may be large. */
export type JobSummary = Omit<Job, 'payload' | 'result'>

export const isTerminal = (phase: JobPhase): boolean =>
  phase === 'finished' || phase === 'cancelled' || phase === 'failed'

export function statusOf(phase: JobPhase): JobStatus {
  switch (phase) {
    case 'waiting':
    case 'running':
    case 'retrying':
      return 'processing'
    case 'scheduled':
    case 'finished':
    case 'cancelled':
    case 'failed':
      return phase
  }
}
