import type { Calendar } from '#shared/contracts/http/calendar.ts'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { nextTick, parseCron, type Timing } from '#shared/schedules/tick-times.ts'
import { HOUR, isoTime } from '#shared/time/clock.ts'

/** Ticks that a calendar counts, and how long it may count, milliseconds: cron patterns tell one tick after the other. */
const TICKS_MAX = 10_000
const ENOUGH_MS = 40
/** Ticks that are asked of a pattern at once: few at first, because the ticks of some lie years apart. */
const AT_ONCE = { first: 4, most: 64 }

/** Ticks by hour (its beginning, milliseconds since 1970), then by the schedule's name. */
type Hours = Map<number, Map<string, number>>

/**
 * How often each schedule ticks in each hour of a time. What has no tick is left out; a paused schedule has none.
 * @param fromMs the beginning of an hour
 * @param monotonic milliseconds; the time that it takes is measured by it
 */
export function calendarOf(
  records: readonly ScheduleRecord[],
  fromMs: number,
  belowMs: number,
  monotonic: () => number,
): Calendar {
  const hours: Hours = new Map()
  const startedMs = monotonic()
  let left = TICKS_MAX
  const countHours = (record: ScheduleRecord): boolean => {
    for (const tickMs of ticksBetween(record, fromMs, belowMs)) {
      if (left-- <= 0 || monotonic() - startedMs > ENOUGH_MS) return false
      const hourMs = Math.floor(tickMs / HOUR) * HOUR
      const names = hours.get(hourMs) ?? new Map<string, number>()
      hours.set(hourMs, names.set(record.name, (names.get(record.name) ?? 0) + 1))
    }
    return true
  }
  // Also between schedules, because many may have no tick in this time.
  const firstLeft = records.findIndex((record) => {
    if (monotonic() - startedMs > ENOUGH_MS) return true
    return !record.paused && !countHours(record)
  })
  return {
    hours: [...hours].toSorted(([one], [other]) => one - other).map(hourView),
    truncated: firstLeft !== -1,
    schedules_counted: firstLeft === -1 ? records.length : firstLeft,
    schedules_total: records.length,
  }
}

const hourView = ([hourMs, names]: [number, Map<string, number>]): Calendar['hours'][number] => ({
  t: isoTime(hourMs),
  ticks: [...names.values()].reduce((sum, count) => sum + count, 0),
  schedules: [...names].map(([name, ticks]) => ({ name, ticks })),
})

function* ticksBetween(timing: Timing, fromMs: number, belowMs: number): Generator<number, void, undefined> {
  if (timing.cron === null) {
    for (let tick = nextTick(timing, fromMs - 1); tick !== null && tick < belowMs; tick = nextTick(timing, tick))
      yield tick
    return
  }
  const cron = parseCron(timing.cron, timing.timezone)
  const startMs = timing.starts_at === null ? fromMs : Math.max(fromMs, Date.parse(timing.starts_at))
  const endMs = timing.ends_at === null ? belowMs : Math.min(belowMs, Date.parse(timing.ends_at) + 1)
  for (let afterMs = startMs - 1, count = AT_ONCE.first; ; count = Math.min(count * 2, AT_ONCE.most)) {
    const ticks = cron.nextRuns(count, new Date(afterMs)).map((date) => date.getTime())
    for (const tick of ticks) {
      if (tick >= endMs) return
      yield tick
    }
    if (ticks.length < count) return
    afterMs = ticks.at(-1) ?? endMs
  }
}
