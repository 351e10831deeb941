import type { EventBody, JobRun } from './job-run.ts'
import type { StartedAttempt } from './start-attempt.ts'
import type { WorkerDeps } from './worker-deps.ts'

const PROGRESS_EVERY_MS = 1_000
const DATA_MAX_LENGTH = 16 * 1024

/** Stores at most one `job:progress` a second; of what comes faster the latest wins. */
export class ProgressReporter {
  readonly #deps: WorkerDeps
  readonly #run: JobRun
  readonly #attempt: StartedAttempt
  #latest: { percent: number; message: string | null; data: unknown } | null = null
  #timer: NodeJS.Timeout | undefined
  #nextAtMs = 0
  #closed = false

  constructor(deps: WorkerDeps, run: JobRun, attempt: StartedAttempt) {
    this.#deps = deps
    this.#run = run
    this.#attempt = attempt
  }

  /** @throws TypeError to the handler, for data that is no JSON */
  report(percent: number, message: string | null, data: unknown): void {
    if (this.#closed || !Number.isFinite(percent)) return
    // Now, and as it is now: later nobody could be told, and the handler may have changed it.
    const json = JSON.stringify(data) ?? 'null'
    this.#latest = {
      percent: Math.min(100, Math.max(0, percent)),
      message: message?.slice(0, 1_000) ?? null,
      data: json.length > DATA_MAX_LENGTH ? null : (JSON.parse(json) as unknown),
    }
    if (this.#timer !== undefined) return
    const waitMs = Math.max(0, this.#nextAtMs - this.#deps.clock.monotonic())
    this.#timer = setTimeout(() => this.#store(), waitMs)
  }

  /** Nothing may be published after the outcome. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #store(): void {
    this.#timer = undefined
    if (this.#closed || this.#latest === null) return
    this.#nextAtMs = this.#deps.clock.monotonic() + PROGRESS_EVERY_MS
    const { percent, message, data } = this.#latest
    this.#latest = null
    const event: EventBody = {
      event: 'job:progress',
      attempt: this.#attempt.attempt,
      worker_id: this.#deps.workerId,
      trigger: this.#run.delivery.seq,
      crashes: this.#attempt.crashes,
      isolated: this.#attempt.isolated,
      percent,
      message,
      data,
    }
    this.#run
      .publish(event)
      .catch((error: unknown) =>
        this.#deps.log.warn({ err: error, job_id: this.#run.spec.job_id }, 'progress was not stored'),
      )
  }
}
