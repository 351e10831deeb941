const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** `16.7 %`: one digit after the point is as much as a person reads. */
export const formatPercent = (percent: number): string => `${Math.round(percent * 10) / 10} %`

/** `12 ms`, `3.2 s`, `4 min 5 s`, `2 h 10 min`. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms))
  if (whole < SECOND) return `${whole} ms`
  if (whole < MINUTE) return `${Math.floor(whole / 100) / 10} s`
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min ${Math.floor((whole % MINUTE) / SECOND)} s`
  return `${Math.floor(whole / HOUR)} h ${Math.floor((whole % HOUR) / MINUTE)} min`
}
