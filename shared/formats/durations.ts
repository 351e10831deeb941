/** The longest that a timer of JavaScript can wait, milliseconds (24.8 days): it takes what is longer for "at once". */
export const TIMER_MAX_MS = 2 ** 31 - 1

/** A hundred years: longer than anything is kept, and no date is out of reach from now. */
export const KEPT_MAX_MS = 36_525 * 24 * 60 * 60 * 1000

/** What a timer may be set to: what is longer waits as long as a timer can. */
export const timerMs = (ms: number): number => Math.min(ms, TIMER_MAX_MS)
