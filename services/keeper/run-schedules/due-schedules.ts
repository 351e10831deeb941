import type { StoredSchedule } from '#shared/schedules/schedule-records.ts'
import { firstOpenTick, isSettledAhead } from '#shared/schedules/settled-until.ts'
import { TimeQueue } from './time-queue.ts'

interface Entry {
  stored: StoredSchedule
  /** The next tick, milliseconds since 1970; Infinity for a schedule that is paused or has ended. */
  tickMs: number
  settledMs: number
}

export interface TakenSchedule {
  subject: string
  stored: StoredSchedule
}

/**
 * All schedules by their next ticks. What is due is taken, and given back once its ticks are settled or have failed:
 * nobody takes it in between.
 */
export class DueSchedules {
  readonly #entries = new Map<string, Entry>()
  /** Subjects of the schedules that are not taken, by the time at which to look at them. */
  readonly #queue = new TimeQueue<string>()
  readonly #taken = new Set<string>()

  /** The time at which the next one is to be taken, milliseconds since 1970; Infinity where there is none. */
  get firstMs(): number {
    return this.#queue.firstMs
  }

  /** How late the most overdue tick is, taken ones included; 0 where none is due. */
  lateMs(nowMs: number): number {
    let mostMs = 0
    for (const { tickMs } of this.#entries.values()) mostMs = Math.max(mostMs, nowMs - tickMs)
    return mostMs
  }

  /** @param stored null: the schedule is gone or cannot be read */
  change(subject: string, stored: StoredSchedule | null): void {
    if (stored === null) {
      this.#entries.delete(subject)
      this.#queue.delete(subject)
      return
    }
    const { record } = stored
    const tickMs = (record.paused ? null : firstOpenTick(record)) ?? Number.POSITIVE_INFINITY
    this.#entries.set(subject, { stored, tickMs, settledMs: Date.parse(record.settled_until) })
    if (!this.#taken.has(subject)) this.#queueAt(subject, tickMs)
  }

  /** Makes those due whose ticks a clock that was ahead has settled. It looks at all of them. */
  findSettledAhead(nowMs: number): void {
    for (const [subject, { stored, settledMs }] of this.#entries) {
      if (settledMs <= nowMs || stored.record.paused || this.#taken.has(subject)) continue
      if (isSettledAhead(stored.record, nowMs)) this.#queue.set(subject, nowMs)
    }
  }

  /** The one that has been due for longest; null where none is. */
  takeDue(nowMs: number): TakenSchedule | null {
    const subject = this.#queue.takeDue(nowMs)
    const entry = subject === undefined ? undefined : this.#entries.get(subject)
    if (subject === undefined || entry === undefined) return null
    this.#taken.add(subject)
    return { subject, stored: entry.stored }
  }

  /** @param notBeforeMs time before which it is not taken again, milliseconds since 1970 */
  giveBack(subject: string, notBeforeMs: number): void {
    this.#taken.delete(subject)
    const entry = this.#entries.get(subject)
    if (entry !== undefined) this.#queueAt(subject, Math.max(entry.tickMs, notBeforeMs))
  }

  #queueAt(subject: string, atMs: number): void {
    if (atMs === Number.POSITIVE_INFINITY) this.#queue.delete(subject)
    else this.#queue.set(subject, atMs)
  }
}
