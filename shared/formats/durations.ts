/** The longest time that a JavaScript timer can wait, milliseconds (24.8 days): a longer one fires at once. */
export const TIMER_MAX_MS = 2 ** 31 - 1

/** A hundred years: longer than anything is kept, and a date that far from now can still be represented. */
export const KEPT_MAX_MS = 36_525 * 24 * 60 * 60 * 1000

/** The delay for a timer: longer delays are cut to the longest that a timer can wait. */
export const timerMs = (ms: number): number => Math.min(ms, TIMER_MAX_MS)
