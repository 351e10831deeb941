import { MISSED_MAX, type ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { lastTicks } from '#shared/schedules/tick-times.ts'
import { MINUTE, SECOND } from '#shared/time/clock.ts'

/** Lateness, after a hiccup, up to which a tick still runs when a later one is due too. */
const LATE_MS = 3 * SECOND
/** Lateness up to which the last due tick still counts as on time. */
const MISSED_MS = 1 * MINUTE

export interface DueTicks {
  /** Ticks to run, oldest first; milliseconds since 1970. */
  run: number[]
  /** The last due tick: with it all ticks up to it are settled. */
  lastMs: number
}

/**
 * The ticks of a schedule that are due now. A tick was missed when it is over 3 s late and a later one is due already,
 * or over a minute late; then `on_missed` decides.
 * @returns null when nothing is due
 */
export function dueTicks(record: ScheduleRecord, nowMs: number): DueTicks | null {
  if (record.paused) return null
  const ticks = lastTicks(record, Date.parse(record.settled_until), nowMs, MISSED_MAX)
  const lastMs = ticks.at(-1)
  if (lastMs === undefined) return null
  const isOnTime = (tickMs: number) => nowMs - tickMs <= (tickMs === lastMs ? MISSED_MS : LATE_MS)
  const onTime = ticks.filter(isOnTime)
  switch (record.on_missed) {
    case 'all':
      return { run: ticks, lastMs }
    case 'skip':
      return { run: onTime, lastMs }
    case 'latest':
      // A tick that is on time makes up for those before it.
      return { run: onTime.length > 0 ? onTime : [lastMs], lastMs }
  }
}
