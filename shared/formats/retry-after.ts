import { httpDateMs } from './http-date.ts'

/**
 * What a Retry-After header asks for: whole seconds, or a date (RFC 9110, 10.2.3).
 * @param answeredMs when the answer was made, preferably from its own Date header, milliseconds since 1970
 * @returns milliseconds, at least 0; null when the header asks for nothing that can be understood
 */
export function readRetryAfter(header: string | null | undefined, answeredMs: number): number | null {
  const text = header?.trim() ?? ''
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER)
  const ms = httpDateMs(text) - answeredMs
  return Number.isNaN(ms) ? null : Math.max(ms, 0)
}
