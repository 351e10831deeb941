/** A target may not put a job off for longer. */
const RETRY_AFTER_MAX_MS = 60 * 60 * 1000

/**
 * What a Retry-After header asks for: seconds, or a date.
 * @param nowMs wall clock
 * @returns milliseconds from 0 to an hour; null when it asks for nothing that can be understood
 */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim()
  if (text === undefined || text === '') return null
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS)
}
