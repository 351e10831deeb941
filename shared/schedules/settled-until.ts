import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { clocksAgree, isoTime } from '#shared/time/clock.ts'
import { nextTick } from './tick-times.ts'

const openTicks = new WeakMap<ScheduleRecord, number | null>()

/**
 * The first tick that is not settled, milliseconds since 1970; null when there are no more. It is computed once for each
 * record.
 * @throws for a cron pattern or time zone that this process does not know
 */
export function firstOpenTick(record: ScheduleRecord): number | null {
  const known = openTicks.get(record)
  if (known !== undefined) return known
  const tickMs = nextTick(record, Date.parse(record.settled_until))
  openTicks.set(record, tickMs)
  return tickMs
}

/**
 * Whether the record counts future ticks as settled, as written by a keeper whose clock was ahead. Only the very next
 * tick may be: it was handled a little early, and does not run again.
 */
export function isSettledAhead(record: ScheduleRecord, nowMs: number): boolean {
  const settledMs = Date.parse(record.settled_until)
  if (settledMs <= nowMs || clocksAgree(settledMs, nowMs)) return false
  const nextMs = nextTick(record, nowMs)
  return nextMs !== null && settledMs > nextMs
}

/** Time up to which no tick is due: the record's own, or now where that cannot be true. */
export const settledUntil = (record: ScheduleRecord, nowMs: number): string =>
  isSettledAhead(record, nowMs) ? isoTime(nowMs) : record.settled_until

/** The record with its ticks settled up to now and a message that says so. */
export const settledFromNow = (record: ScheduleRecord, nowMs: number): ScheduleRecord => ({
  ...record,
  settled_until: isoTime(nowMs),
  made_until: record.settled_until,
  last_error: {
    name: 'ClockError',
    message: `A keeper whose clock was ahead treated all ticks up to ${record.settled_until} as done; they run again at their times.`,
    tick_at: isoTime(nowMs),
  },
})
