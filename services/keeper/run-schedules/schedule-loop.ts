import { ScheduleBook } from '#shared/schedules/schedule-book.ts'
import { SECOND } from '#shared/time/clock.ts'
import { DueSchedules, type TakenSchedule } from './due-schedules.ts'
import { type SettleDueDeps, settleDue } from './settle-due.ts'

// Every replica runs the same loop, and none leads: look for changes, create due jobs, then rest until the next tick, a
// second at most. Replicas that handle the same tick create one job.

export interface ScheduleLoopDeps extends SettleDueDeps {
  isBrokerUp(): boolean
}

const LOOK_MS = 1 * SECOND
/** Time from one turn to the next: where very many schedules tick, each turn handles the ticks of this long. */
const TURN_MS = 20
/** Schedules whose ticks are settled at the same time. */
const AT_ONCE_MAX = 500

export class ScheduleLoop {
  readonly #deps: ScheduleLoopDeps
  readonly #book: ScheduleBook
  readonly #due = new DueSchedules()
  readonly #underWay = new Map<string, Promise<void>>()
  /** Schedules that were settled, or failed, since the last turn, with the time from which each may be tried again. */
  #ended = new Map<string, number>()
  /** Schedules whose last try failed. */
  readonly #failed = new Set<string>()
  #running: Promise<void> = Promise.resolve()
  #stopped = false
  #isFailing = false
  #lookedAheadMs = Number.NEGATIVE_INFINITY
  #wake: () => void = () => undefined

  constructor(deps: ScheduleLoopDeps) {
    this.#deps = deps
    this.#book = new ScheduleBook(deps.records, deps.log, (subject, stored) => {
      this.#failed.delete(subject)
      this.#due.change(subject, stored)
    })
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Stops the loop and waits for ticks that are under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake()
    await this.#running
    await Promise.all(this.#underWay.values())
  }

  /** How late the most overdue tick is; 0 where none is due. */
  get lateMs(): number {
    return this.#due.lateMs(this.#deps.clock.now())
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const sinceMs = this.#deps.clock.monotonic()
      const isWell = await this.#turn()
      await this.#restUntil(() => this.#untilTurnMs(sinceMs, isWell))
    }
  }

  /** @returns false when the broker could not be asked */
  async #turn(): Promise<boolean> {
    if (!this.#deps.isBrokerUp()) return false
    const ended = this.#ended
    this.#ended = new Map()
    try {
      await this.#book.refresh()
    } catch (error) {
      this.#ended = new Map([...ended, ...this.#ended])
      this.#warn(error)
      return false
    }
    // Only now, because the copy has what they wrote.
    for (const [subject, notBeforeMs] of ended) this.#due.giveBack(subject, notBeforeMs)
    if (this.#failed.size === 0) this.#isFailing = false
    this.#lookAhead()
    this.#settleDue()
    return true
  }

  #lookAhead(): void {
    const { clock } = this.#deps
    if (clock.monotonic() - this.#lookedAheadMs < LOOK_MS) return
    this.#lookedAheadMs = clock.monotonic()
    this.#due.findSettledAhead(clock.now())
  }

  #settleDue(): void {
    const nowMs = this.#deps.clock.now()
    while (!this.#stopped && this.#underWay.size < AT_ONCE_MAX) {
      const taken = this.#due.takeDue(nowMs)
      if (taken === null) return
      this.#underWay.set(taken.subject, this.#settle(taken))
    }
  }

  async #settle({ subject, stored }: TakenSchedule): Promise<void> {
    let notBeforeMs = 0
    try {
      await settleDue(this.#deps, stored)
      this.#failed.delete(subject)
    } catch (error) {
      this.#failed.add(subject)
      this.#warn(error)
      notBeforeMs = this.#deps.clock.now() + LOOK_MS
    }
    this.#underWay.delete(subject)
    this.#ended.set(subject, notBeforeMs)
    this.#wake()
  }

  #warn(error: unknown): void {
    if (!this.#isFailing) this.#deps.log.warn({ err: error }, 'schedule ticks delayed, will retry')
    this.#isFailing = true
  }

  #untilTurnMs(sinceMs: number, isWell: boolean): number {
    const { clock } = this.#deps
    const passedMs = clock.monotonic() - sinceMs
    const untilLookMs = LOOK_MS - passedMs
    if (!isWell) return untilLookMs
    const hasRoom = this.#underWay.size < AT_ONCE_MAX
    const untilTickMs = hasRoom ? this.#due.firstMs - clock.now() : Number.POSITIVE_INFINITY
    const untilNextMs = this.#ended.size > 0 ? 0 : Math.min(untilTickMs, untilLookMs)
    return Math.max(untilNextMs, TURN_MS - passedMs)
  }

  async #restUntil(leftMs: () => number): Promise<void> {
    for (let ms = leftMs(); ms > 0 && !this.#stopped; ms = leftMs()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
