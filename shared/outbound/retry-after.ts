import { httpDateMs } from '#shared/formats/http-date.ts'
import { readRetryAfter } from '#shared/formats/retry-after.ts'

/** Longest delay that a target may ask for. */
const RETRY_AFTER_MAX_MS = 60 * 60 * 1000

type Headers = Record<string, string | string[] | undefined>

/**
 * The delay that a target's answer asks for.
 * @param nowMs for an answer that does not say when it was made
 * @returns milliseconds, above 0 and up to an hour; null when no delay can be understood
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const dateMs = httpDateMs(oneOf(headers['date']) ?? '')
  const ms = readRetryAfter(oneOf(headers['retry-after']), Number.isNaN(dateMs) ? nowMs : dateMs)
  return ms === null || ms === 0 ? null : Math.min(ms, RETRY_AFTER_MAX_MS)
}

const oneOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header
