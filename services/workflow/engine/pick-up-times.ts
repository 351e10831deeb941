import { Cron } from 'croner'

/** The times at which something may be picked up: at once, or those of a cron expression. */
export class PickUpTimes {
  readonly #cron: Cron | null

  /** @param cron five or six fields, UTC; undefined: at once */
  constructor(cron: string | undefined) {
    this.#cron = cron === undefined ? null : new Cron(cron, { timezone: 'UTC', paused: true })
  }

  get isAtOnce(): boolean {
    return this.#cron === null
  }

  /** Milliseconds from now until something that changed at `sinceMs` may be picked up; 0: now. */
  waitMs(sinceMs: number, nowMs: number): number {
    if (this.#cron === null) return 0
    const next = this.#cron.nextRun(new Date(sinceMs))
    return next === null ? Number.POSITIVE_INFINITY : Math.max(0, next.getTime() - nowMs)
  }
}
