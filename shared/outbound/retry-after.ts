import { httpDateMs } from '#shared/formats/http-date.ts'
import { readRetryAfter } from '#shared/formats/retry-after.ts'

/** A target may not put a job off for longer. */
const RETRY_AFTER_MAX_MS = 60 * 60 * 1000

type Headers = Record<string, string | string[] | undefined>

/**
 * How long a target's answer asks to be left alone.
 * @param nowMs for an answer that does not say when it was made
 * @returns milliseconds, above 0 and up to an hour; null when it asks for no time that can be understood
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const dateMs = httpDateMs(oneOf(headers['date']) ?? '')
  const ms = readRetryAfter(oneOf(headers['retry-after']), Number.isNaN(dateMs) ? nowMs : dateMs)
  return ms === null || ms === 0 ? null : Math.min(ms, RETRY_AFTER_MAX_MS)
}

const oneOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header
