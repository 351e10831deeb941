import { RUNNING_SHOWN_MAX, type WorkerAttemptOutcome } from '#shared/contracts/http/workers.ts'
import type { JobError } from '#shared/contracts/log/job.ts'
import type { AttemptRecord, RunningAttempt, WorkerRecord } from '#shared/stores/attempts/attempt-store.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'

/** Members of a worker that never change. */
export type WorkerIdentity = Pick<
  WorkerRecord,
  'worker_id' | 'host' | 'pid' | 'version' | 'types' | 'slots' | 'started_at'
>

export interface RecorderOptions {
  worker: WorkerIdentity
  clock: Clock
  /** Number of attempts that are kept while the store is away; beyond it the oldest are dropped. */
  maxBuffered: number
  onDropped: (count: number) => void
}

/** A handler that was told to stop and still runs. */
export interface Lingering {
  /** Its slot is given to another job. */
  freeSlot(): void
  /** It has returned. */
  end(): void
}

const ERROR_MAX_LENGTH = 500

/** The running and ended attempts of this worker, in memory alone: running a job never waits for a store. */
export class AttemptRecorder {
  readonly #options: RecorderOptions
  /** In the order in which they started. */
  readonly #running = new Map<string, RunningAttempt>()
  readonly #counts = { processed: 0, failed: 0, cancelled: 0, retried: 0 }
  #ended: AttemptRecord[] = []
  /** Handlers that were told to stop and still run; `running`: those that still hold a slot. */
  readonly #abandoned = { count: 0, running: new Set<RunningAttempt>() }

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Continues the counts of an earlier recorder of the same worker. */
  resume({
    processed,
    failed,
    cancelled,
    retried,
  }: Pick<WorkerRecord, 'processed' | 'failed' | 'cancelled' | 'retried'>) {
    Object.assign(this.#counts, { processed, failed, cancelled, retried })
  }

  begin(jobId: string, type: string, attempt: number): void {
    this.#running.set(jobId, { job_id: jobId, type, attempt, started_at: this.#now() })
  }

  end(jobId: string, outcome: WorkerAttemptOutcome, error: JobError | null): void {
    const running = this.#running.get(jobId)
    if (running === undefined) return
    this.#running.delete(jobId)
    this.#count(outcome)
    this.#ended.push({
      worker_id: this.#options.worker.worker_id,
      seq: this.#counts.processed,
      ...running,
      ended_at: this.#now(),
      outcome,
      error: error === null ? null : bounded(error),
    })
    this.#dropOldest()
  }

  /** Removes a running attempt that this worker no longer holds, however it ended. */
  forget(jobId: string): void {
    this.#running.delete(jobId)
  }

  /** @param attempt one that has ended here, but whose handler ignores that it was told to stop; `ms`: since its start */
  linger(attempt: { job_id: string; type: string; attempt: number; ms: number }): Lingering {
    const abandoned = this.#abandoned
    const held = {
      job_id: attempt.job_id,
      type: attempt.type,
      attempt: attempt.attempt,
      started_at: isoTime(this.#options.clock.now() - attempt.ms),
      abandoned: true,
    } as const
    abandoned.count++
    abandoned.running.add(held)
    return {
      freeSlot: () => void abandoned.running.delete(held),
      end: () => {
        abandoned.count--
        abandoned.running.delete(held)
      },
    }
  }

  /** Types of the handlers that hold a slot although they were told to stop, once for each slot. */
  get abandonedTypes(): string[] {
    return [...this.#abandoned.running].map(({ type }) => type)
  }

  /** Takes the oldest ended attempts: the caller must store them or put them back. */
  take(max: number): AttemptRecord[] {
    const taken = this.#ended
    this.#ended = taken.splice(max)
    return taken
  }

  putBack(attempts: AttemptRecord[]): void {
    this.#ended = attempts.concat(this.#ended)
    this.#dropOldest()
  }

  describe(isStopped: boolean): WorkerRecord {
    const now = this.#now()
    const running = [...this.#abandoned.running, ...this.#running.values()]
    return {
      ...this.#options.worker,
      ...this.#counts,
      beat_at: now,
      stopped_at: isStopped ? now : null,
      running_count: running.length,
      abandoned: this.#abandoned.count,
      running: running.slice(0, RUNNING_SHOWN_MAX),
    }
  }

  #count(outcome: WorkerAttemptOutcome): void {
    this.#counts.processed++
    if (outcome === 'failed' || outcome === 'crashed') this.#counts.failed++
    else if (outcome === 'cancelled') this.#counts.cancelled++
    else if (outcome === 'retrying') this.#counts.retried++
  }

  #dropOldest(): void {
    const tooMany = this.#ended.length - this.#options.maxBuffered
    if (tooMany <= 0) return
    this.#ended.splice(0, tooMany)
    this.#options.onDropped(tooMany)
  }

  #now(): string {
    return isoTime(this.#options.clock.now())
  }
}

const bounded = ({ name, message, code }: JobError): JobError => ({
  name,
  message: message.slice(0, ERROR_MAX_LENGTH),
  ...(code === undefined ? {} : { code }),
})
