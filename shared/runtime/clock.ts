export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

export interface Clock {
  /** Wall clock, milliseconds since 1970: for what is stored and shown. */
  now(): number
  /** Milliseconds from an arbitrary start, never set back: for durations and deadlines. */
  monotonic(): number
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/** For pauses between tries; never to wait for something that can be awaited. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export const isoTime = (ms: number): string => new Date(ms).toISOString()
