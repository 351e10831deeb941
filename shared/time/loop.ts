import { timerMs } from '#shared/formats/durations.ts'

/**
 * Runs `task` again and again, `intervalMs` after the last run ended, until stopped.
 * An error goes to `onError` and never ends the loop.
 */
export class IntervalLoop {
  readonly #task: () => Promise<void>
  readonly #intervalMs: number
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #stopped = true

  constructor(intervalMs: number, task: () => Promise<void>, onError: (error: unknown) => void) {
    // A longer interval than a timer can count would fire each millisecond.
    this.#intervalMs = timerMs(intervalMs)
    this.#task = task
    this.#onError = onError
  }

  start(): void {
    this.#stopped = false
    this.#schedule()
  }

  /** Stops the loop and waits for a run that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#running = this.#task()
        .catch(this.#onError)
        .then(() => this.#schedule())
    }, this.#intervalMs)
  }
}
