import { z } from 'zod'

export const PRIORITIES = ['high', 'normal', 'low'] as const
export type Priority = (typeof PRIORITIES)[number]

/** What a caller sees. `processing` covers waiting, running and waiting for a retry. */
export const JOB_STATUSES = ['scheduled', 'processing', 'finished', 'cancelled', 'failed'] as const
export type JobStatus = (typeof JOB_STATUSES)[number]

/** Where a job stands inside its status; the sweeper and "why" read it, `status` is derived from it. */
export const JOB_PHASES = ['scheduled', 'waiting', 'running', 'retrying', 'finished', 'cancelled', 'failed'] as const
export type JobPhase = (typeof JOB_PHASES)[number]

export const ATTEMPT_OUTCOMES = ['finished', 'retrying', 'cancelled', 'failed', 'released', 'crashed'] as const
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number]

/** An error as stored and shown: bounded text, never a stack. `code` is there when the thrown error had one. */
export const jobErrorSchema = z.looseObject({
  name: z.string(),
  message: z.string(),
  code: z.string().optional(),
})
export type JobError = z.infer<typeof jobErrorSchema>

export interface Attempt {
  /** 1, 2, ...; a drain hands the same number to the next worker, so a number may stand twice. */
  attempt: number
  worker_id: string
  started_at: string
  ended_at: string | null
  /** null while it runs. */
  outcome: AttemptOutcome | null
  error: JobError | null
}

export interface Progress {
  percent: number
  message: string | null
  data: unknown
  at: string
}

/** The fold of one job's history. Times are ISO 8601 UTC. `payload`, `result` and `progress.data` are any JSON value. */
export interface Job {
  job_id: string
  object_id: string
  type: string
  priority: Priority
  tenant: string | null
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
  max_attempts: number
  attempts: Attempt[]
  progress: Progress | null
  result: unknown
  error: JobError | null
  reason: string | null
  /** Deaths of workers while they ran this job in their own process. */
  crashes: number
  /** Stream sequence of the last event folded in: the version of this record. */
  seq: number
  /** When that last event was made. */
  updated_at: string
}

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
