import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import type { ScheduleBook } from '#shared/schedules/schedule-book.ts'
import type { StoredSchedule } from '#shared/schedules/schedule-records.ts'
import { isSettledAhead } from '#shared/schedules/settled-until.ts'
import { nextTick } from '#shared/schedules/tick-times.ts'
import { SECOND } from '#shared/time/clock.ts'
import { type SettleDueDeps, settleDue } from './settle-due.ts'

// Every replica runs the same loop, and none leads: look for changes, create due jobs, then rest until the next tick, a
// second at most. Replicas that handle the same tick create one job.

export interface ScheduleLoopDeps extends SettleDueDeps {
  book: ScheduleBook
  isBrokerUp(): boolean
}

const LOOK_MS = 1 * SECOND

export class ScheduleLoop {
  readonly #deps: ScheduleLoopDeps
  #running: Promise<void> = Promise.resolve()
  #stopped = false
  #isFailing = false
  #wake: () => void = () => undefined
  /** Next ticks by record: after a change it is another record. */
  #nextTicks = new Map<ScheduleRecord, number>()

  constructor(deps: ScheduleLoopDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Stops the loop and waits for ticks that are under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const isWell = await this.#turn()
      if (!this.#stopped) await this.#rest(isWell ? this.#untilNextTickMs() : LOOK_MS)
    }
  }

  /** @returns false when something must be tried again */
  async #turn(): Promise<boolean> {
    const { book, log } = this.#deps
    if (!this.#deps.isBrokerUp()) return false
    try {
      await book.refresh()
      const results = await Promise.allSettled(this.#due().map((schedule) => settleDue(this.#deps, schedule)))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      this.#isFailing = false
      return true
    } catch (error) {
      if (!this.#isFailing) log.warn({ err: error }, 'schedule ticks delayed, will retry')
      this.#isFailing = true
      return false
    }
  }

  #due(): StoredSchedule[] {
    const nowMs = this.#deps.clock.now()
    const schedules = this.#deps.book.all()
    const known = this.#nextTicks
    this.#nextTicks = new Map(schedules.map(({ record }) => [record, known.get(record) ?? nextTickOf(record)]))
    return schedules.filter(
      ({ record }) =>
        (this.#nextTicks.get(record) ?? Infinity) <= nowMs || (!record.paused && isSettledAhead(record, nowMs)),
    )
  }

  #untilNextTickMs(): number {
    let firstMs = Number.POSITIVE_INFINITY
    for (const tickMs of this.#nextTicks.values()) firstMs = Math.min(firstMs, tickMs)
    return Math.min(Math.max(firstMs - this.#deps.clock.now(), 0), LOOK_MS)
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Milliseconds since 1970; Infinity for a schedule that is paused or has ended. */
const nextTickOf = (record: ScheduleRecord): number =>
  (record.paused ? null : nextTick(record, Date.parse(record.settled_until))) ?? Number.POSITIVE_INFINITY
