import type { Logger } from '#shared/process/logger.ts'
import { SECOND, sleep } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import type { AttemptRecorder } from './attempt-recorder.ts'
import type { StoreClient } from './store-client.ts'

const EVERY_MS = 1 * SECOND
/**
 * Attempts in one report: more than a worker ends in a second, and few enough that messages stay small after the store
 * was away.
 */
const ATTEMPTS_AT_ONCE = 5_000
const LAST_REPORT_MS = 2 * SECOND

/** Sends ended attempts, and the worker's heartbeat, to the store once a second, off the path of any job. */
export class ReportLoop {
  readonly #recorder: AttemptRecorder
  readonly #store: Pick<StoreClient, 'call' | 'isOpen'>
  readonly #loop: IntervalLoop
  readonly #log: Logger
  #isFailing = false

  constructor(recorder: AttemptRecorder, store: Pick<StoreClient, 'call' | 'isOpen'>, log: Logger) {
    this.#recorder = recorder
    this.#store = store
    this.#log = log
    this.#loop = new IntervalLoop(
      EVERY_MS,
      () => this.#report(false),
      (error) => this.#onFailure(error),
    )
  }

  start(): void {
    this.#loop.start()
  }

  /** Reports the end, and waits 2 s at most for that. Call it when nothing runs any more. */
  async stop(): Promise<void> {
    const reporting = this.#loop.stop().then(() => this.#report(true))
    await Promise.race([reporting.catch(() => undefined), sleep(LAST_REPORT_MS)])
  }

  async #report(isStopped: boolean): Promise<void> {
    if (!this.#store.isOpen) return
    const attempts = this.#recorder.take(ATTEMPTS_AT_ONCE)
    try {
      await this.#store.call('save', this.#recorder.describe(isStopped), attempts)
      if (this.#isFailing) this.#log.info('attempts are stored again')
      this.#isFailing = false
    } catch (error) {
      this.#recorder.putBack(attempts)
      throw error
    }
  }

  /** Logs a failure once, however often it repeats. */
  #onFailure(error: unknown): void {
    if (!this.#isFailing) this.#log.warn({ err: error }, 'could not store attempts, keeping them in memory')
    this.#isFailing = true
  }
}
