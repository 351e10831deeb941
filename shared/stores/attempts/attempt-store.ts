import type { WorkerAttemptOutcome } from '#shared/contracts/http/workers.ts'
import type { JobError } from '#shared/contracts/log/job.ts'

// The job service's own data: its workers, and the attempts that each of them ran. Times are ISO 8601 UTC, by the
// broker's clock.

export interface RunningAttempt {
  job_id: string
  type: string
  attempt: number
  started_at: string
  /** The attempt has ended, but its handler was told to stop, still runs, and holds its slot. */
  abandoned?: true
}

/** One life of a job process; after a restart it is another worker. */
export interface WorkerSummary {
  worker_id: string
  host: string
  pid: number
  version: string
  types: string[]
  slots: number
  started_at: string
  /** When the worker last wrote. */
  beat_at: string
  /** null while the worker runs, and forever if it was killed. */
  stopped_at: string | null
  /** Slots that are taken, also by abandoned handlers. */
  running_count: number
  /** Handlers that were told to stop and still run, with or without a slot; absent in records of older versions. */
  abandoned?: number
  processed: number
  failed: number
  cancelled: number
  retried: number
}

export interface WorkerRecord extends WorkerSummary {
  /** The longest-running attempts, up to a limit. */
  running: RunningAttempt[]
}

export interface AttemptRecord {
  worker_id: string
  /**
   * Number of the attempt in the order in which the worker's attempts ended, from 1; a gap is an attempt that was
   * dropped.
   */
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
  /** null: both live and other workers. */
  live: boolean | null
  /** A worker is live if it has not stopped and wrote at this time or later. */
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
 * The job service's own store, of plain records; every adapter passes `testAttemptStore` in conformance.ts. Adapters
 * throw their driver's errors.
 */
export interface AttemptStore {
  /**
   * Saves the worker's current state, and the attempts that ended since. The counts never run ahead of the attempts.
   * When it throws, some or all may be stored, and the same may be saved again.
   */
  save(worker: WorkerRecord, attempts: AttemptRecord[]): Promise<void>
  /** Workers, newest start first. */
  listWorkers(query: WorkersQuery): Promise<WorkerSummary[]>
  getWorker(workerId: string): Promise<WorkerRecord | null>
  /** Attempts, last ended first; the cost of a page does not grow with the number of attempts. */
  listAttempts(query: AttemptsQuery): Promise<AttemptRecord[]>
  /**
   * Deletes up to `limit` attempts that ended before the time, and as many workers that last wrote before it. @returns
   * how many
   */
  deleteBefore(time: string, limit: number): Promise<number>
  close(): Promise<void>
}
