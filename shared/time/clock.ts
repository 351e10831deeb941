import { timerMs } from '#shared/formats/durations.ts'

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export interface Clock {
  /** Wall clock, milliseconds since 1970: for times that are stored and shown. */
  now(): number
  /** Milliseconds from an arbitrary start, never set back: for durations and deadlines. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** Two clocks further apart than this do not mean the same time. */
const CLOCKS_AGREE_WITHIN_MS = 5 * SECOND

export const clocksAgree = (oneMs: number, otherMs: number): boolean =>
  Math.abs(oneMs - otherMs) <= CLOCKS_AGREE_WITHIN_MS

/** For pauses between tries; never to wait for something that can be awaited. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timerMs(ms)))

/** What was asked for; null where that fails, or takes longer than so many milliseconds. */
export const orNullWithin = <T>(ms: number, asking: Promise<T>): Promise<T | null> =>
  Promise.race([asking.catch(() => null), sleep(ms).then(() => null)])

let lastMs = Number.NaN
let lastText = ''

/** RFC 3339 in UTC. A busy service asks for the same millisecond many times, and formatting is expensive. */
export function isoTime(ms: number): string {
  if (ms === lastMs) return lastText
  lastText = new Date(ms).toISOString()
  lastMs = ms
  return lastText
}
