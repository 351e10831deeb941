import type { OutboundAnswer } from '#shared/outbound/call-out.ts'
import { BlockedUrlError } from '#shared/outbound/check-url.ts'
import { retryAfterMs } from '#shared/outbound/retry-after.ts'
import { PermanentError, RetryLater } from './handler.ts'

/** Bytes of a target's answer that are kept with the error. */
const TEXT_MAX_BYTES = 1_024

/** A failed call that may succeed in another attempt. */
class HttpError extends Error {
  override name = 'HttpError'
}

/** Calls out; a target that must not be called ends the job, and any other trouble of the network is retried. */
export async function orPermanent<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (error instanceof BlockedUrlError)
      throw withCode(new PermanentError(error.message, { cause: error }), error.code)
    throw error
  }
}

/**
 * The error for an answer other than 2xx: permanent, or retried after the time that the target asked for or the type's
 * backoff.
 */
export function failureOf(answer: OutboundAnswer, isPermanent: boolean, nowMs: number): Error {
  const { status, text } = answer
  const redirect = status >= 300 && status < 400 ? ' (redirects are not followed)' : ''
  const message = `the target answered ${status}${redirect}${text === '' ? '' : `: ${startOf(text)}`}`
  return withCode(errorFor(answer, message, isPermanent, nowMs), `http-${status}`)
}

/** The error for an answer whose body says what went wrong, whatever its status. */
export const saidFailure = (answer: OutboundAnswer, said: string, isPermanent: boolean, nowMs: number): Error =>
  withCode(errorFor(answer, startOf(said), isPermanent, nowMs), 'service-failure')

const startOf = (text: string): string =>
  new TextDecoder().decode(Buffer.from(text).subarray(0, TEXT_MAX_BYTES), { stream: true })

function errorFor({ headers }: OutboundAnswer, message: string, isPermanent: boolean, nowMs: number): Error {
  const delayMs = retryAfterMs(headers, nowMs)
  if (isPermanent) return new PermanentError(message)
  return delayMs === null ? new HttpError(message) : new RetryLater(delayMs, message)
}

export const withCode = (error: Error, code: string): Error => Object.assign(error, { code })
