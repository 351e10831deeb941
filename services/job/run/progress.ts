import type { EventBody } from '#shared/bus/job-history.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import type { JobRun } from './job-run.ts'
import type { ReportedProgress } from './reported-progress.ts'
import type { StartedAttempt } from './start-attempt.ts'

const PROGRESS_EVERY_MS = 1_000

/** Stores at most one `job:progress` a second; among faster reports the latest wins. */
export class ProgressReporter {
  readonly #deps: WorkerDeps
  readonly #run: JobRun
  readonly #attempt: StartedAttempt
  #latest: ReportedProgress | null = null
  #timer: NodeJS.Timeout | undefined
  #nextAtMs = 0
  #closed = false

  constructor(deps: WorkerDeps, run: JobRun, attempt: StartedAttempt) {
    this.#deps = deps
    this.#run = run
    this.#attempt = attempt
  }

  report(progress: ReportedProgress): void {
    if (this.#closed) return
    this.#latest = progress
    if (this.#timer !== undefined) return
    const waitMs = Math.max(0, this.#nextAtMs - this.#deps.clock.monotonic())
    this.#timer = setTimeout(() => this.#store(), waitMs)
  }

  /** Closes the reporter: nothing may be published after the outcome. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #store(): void {
    this.#timer = undefined
    if (this.#closed || this.#latest === null) return
    this.#nextAtMs = this.#deps.clock.monotonic() + PROGRESS_EVERY_MS
    const progress = this.#latest
    this.#latest = null
    const event: EventBody = {
      event: 'job:progress',
      attempt: this.#attempt.attempt,
      worker_id: this.#deps.workerId,
      trigger: this.#run.delivery.seq,
      crashes: this.#attempt.crashes,
      isolated: this.#attempt.isolated,
      ...progress,
    }
    this.#run
      .publish(event)
      .catch((error: unknown) =>
        this.#deps.log.warn({ err: error, job_id: this.#run.spec.job_id }, 'could not store the progress'),
      )
  }
}
