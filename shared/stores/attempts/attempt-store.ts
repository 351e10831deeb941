import type { WorkerAttemptOutcome } from '#shared/contracts/http/workers.ts'
import type { JobError } from '#shared/contracts/log/job.ts'

// What the job service itself remembers: its workers, and the attempts that each of them ran. Times are ISO 8601 UTC,
// by the worker's own clock.

export interface RunningAttempt {
  job_id: string
  type: string
  attempt: number
  started_at: string
}

/** One life of a job process; a restart is another worker. */
export interface WorkerSummary {
  worker_id: string
  host: string
  pid: number
  version: string
  types: string[]
  slots: number
  started_at: string
  /** When it last wrote. */
  beat_at: string
  /** null while it runs, and for ever where it was killed. */
  stopped_at: string | null
  running_count: number
  processed: number
  failed: number
  cancelled: number
  retried: number
}

export interface WorkerRecord extends WorkerSummary {
  /** The longest-running of those that run, bounded. */
  running: RunningAttempt[]
}

export interface AttemptRecord {
  worker_id: string
  /** Counts the attempts of the worker in the order they ended, from 1; gaps are attempts that were dropped. */
  seq: number
  job_id: string
  type: string
  attempt: number
  started_at: string
  ended_at: string
  outcome: WorkerAttemptOutcome
  error: JobError | null
}

export interface WorkersQuery {
  /** null: whether or not. */
  live: boolean | null
  /** Live is who has not stopped and wrote at this time or later. */
  liveSince: string
  limit: number
}

export interface AttemptsQuery {
  workerId: string
  /** Only attempts below this seq; Number.MAX_SAFE_INTEGER from the newest. */
  belowSeq: number
  limit: number
}

/**
 * The job service's own store. Plain records; every adapter passes `testAttemptStore` in conformance/attempts.ts.
 * Adapters throw their driver's errors.
 */
export interface AttemptStore {
  /**
   * The worker as it is now, and what ended since. The counts never run ahead of the attempts. All or some may be
   * stored when it throws, and the same may be saved again.
   */
  save(worker: WorkerRecord, attempts: AttemptRecord[]): Promise<void>
  /** Newest start first. */
  listWorkers(query: WorkersQuery): Promise<WorkerSummary[]>
  getWorker(workerId: string): Promise<WorkerRecord | null>
  /** What ended last comes first; what a page costs does not grow with the number of attempts. */
  listAttempts(query: AttemptsQuery): Promise<AttemptRecord[]>
  /** Deletes up to `limit` attempts that ended, and as many workers that last wrote, before the time. @returns how many */
  deleteBefore(time: string, limit: number): Promise<number>
  close(): Promise<void>
}
