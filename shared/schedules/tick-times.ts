import { Cron } from 'croner'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'

/** The members of a schedule that its times depend on. */
export type Timing = Pick<ScheduleRecord, 'cron' | 'every_ms' | 'timezone' | 'starts_at' | 'ends_at' | 'anchor'>

/** Parsed patterns, last used last. Parsing takes longer than what is asked of one, and each has some 80 KB. */
const parsed = new Map<string, Cron>()
const PARSED_MAX = 100

/**
 * @param pattern five fields
 * @throws an error that says what is wrong with the pattern
 */
export function parseCron(pattern: string, timezone: string): Cron {
  const key = `${timezone} ${pattern}`
  const cron = parsed.get(key) ?? new Cron(pattern, { mode: '5-part', timezone, paused: true })
  parsed.delete(key)
  parsed.set(key, cron)
  const [oldest] = parsed.keys()
  if (parsed.size > PARSED_MAX && oldest !== undefined) parsed.delete(oldest)
  return cron
}

/** The first tick after a time, milliseconds since 1970; null when there are no more. */
export function nextTick(timing: Timing, afterMs: number): number | null {
  const fromMs = Math.max(afterMs, startOf(timing) - 1)
  const tickMs = timing.cron === null ? nextOfEvery(timing, fromMs) : nextOfCron(timing, timing.cron, fromMs)
  return tickMs !== null && tickMs <= endOf(timing) ? tickMs : null
}

/** The next ticks after a time, at most `count`. */
export function nextTicks(timing: Timing, afterMs: number, count: number): number[] {
  const ticks: number[] = []
  for (let from = afterMs; ticks.length < count; ) {
    const tickMs = nextTick(timing, from)
    if (tickMs === null) break
    ticks.push(tickMs)
    from = tickMs
  }
  return ticks
}

/** Number of ticks beyond which it is quicker to count from the end. */
const FEW = 5

/** The last ticks after one time and up to another, oldest first, at most `count`. */
export function lastTicks(timing: Timing, afterMs: number, untilMs: number, count: number): number[] {
  const few = nextTicks(timing, afterMs, FEW).filter((tickMs) => tickMs <= untilMs)
  if (few.length < FEW) return few.slice(-count)
  const lastMs = Math.min(untilMs, endOf(timing))
  const ticks =
    timing.cron === null
      ? lastOfEvery(timing, lastMs, count)
      : parseCron(timing.cron, timing.timezone)
          .previousRuns(count, new Date(lastMs + 1))
          .map((date) => date.getTime())
          .toReversed()
  return ticks.filter((tickMs) => tickMs > afterMs && tickMs >= startOf(timing))
}

const startOf = ({ starts_at: at }: Timing): number => (at === null ? Number.NEGATIVE_INFINITY : Date.parse(at))
const endOf = ({ ends_at: at }: Timing): number => (at === null ? Number.POSITIVE_INFINITY : Date.parse(at))

const nextOfCron = ({ timezone }: Timing, cron: string, afterMs: number): number | null =>
  parseCron(cron, timezone).nextRun(new Date(afterMs))?.getTime() ?? null

function nextOfEvery({ every_ms: everyMs, anchor }: Timing, afterMs: number): number | null {
  if (everyMs === null) return null
  const anchorMs = Date.parse(anchor)
  // Possibly before the anchor, which a clock that was ahead may have set: only `starts_at` says that there are no
  // ticks before.
  return anchorMs + (Math.floor((afterMs - anchorMs) / everyMs) + 1) * everyMs
}

function lastOfEvery({ every_ms: everyMs, anchor }: Timing, untilMs: number, count: number): number[] {
  if (everyMs === null) return []
  const anchorMs = Date.parse(anchor)
  const last = Math.floor((untilMs - anchorMs) / everyMs)
  return Array.from({ length: count }, (_, i) => anchorMs + (last - count + 1 + i) * everyMs)
}
