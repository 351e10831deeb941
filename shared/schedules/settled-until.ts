import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { clocksAgree, isoTime } from '#shared/time/clock.ts'
import { nextTick } from './tick-times.ts'

/**
 * Whether the record says that ticks are settled which lie ahead, as an api wrote that took the clock to be later than
 * it was. The very next tick alone may be: it was made a little early, and is not made again.
 */
export function isSettledAhead(record: ScheduleRecord, nowMs: number): boolean {
  const settledMs = Date.parse(record.settled_until)
  if (settledMs <= nowMs || clocksAgree(settledMs, nowMs)) return false
  const nextMs = nextTick(record, nowMs)
  return nextMs !== null && settledMs > nextMs
}

/** Up to when nothing is owed: what the record says, or now where that cannot be true. */
export const settledUntil = (record: ScheduleRecord, nowMs: number): string =>
  isSettledAhead(record, nowMs) ? isoTime(nowMs) : record.settled_until

/** The record as it goes on from now, and says so. */
export const goneOnFromNow = (record: ScheduleRecord, nowMs: number): ScheduleRecord => ({
  ...record,
  settled_until: isoTime(nowMs),
  made_until: record.settled_until,
  last_error: {
    name: 'ClockError',
    message: `An api whose clock was ahead took all ticks up to ${record.settled_until} for done; they come at their times again.`,
    tick_at: isoTime(nowMs),
  },
})
