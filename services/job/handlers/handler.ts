import type { z } from 'zod'
import type { JobPolicy } from '#shared/contracts/log/job-type.ts'
import { DELAY_MAX_MS } from '#shared/contracts/log/limits.ts'
import { isErrorLike, memberOf } from '#shared/errors/foreign.ts'
import type { Context } from './handler-types.ts'

/** One job type: the schema of its payload, its policy, and its code. */
export interface JobHandler {
  type: string
  policy: JobPolicy
  /** null accepts any JSON value. */
  schema: z.ZodType | null
  run(payload: unknown, context: Context): unknown
}

/**
 * A permanent failure: no further attempt. Recognised by its name, so that a handler outside this repository can throw
 * one.
 */
export class PermanentError extends Error {
  override name = 'PermanentError'
}

/** Requests another attempt after `delayMs`. */
export class RetryLater extends Error {
  override name = 'RetryLater'
  readonly delayMs: number

  constructor(delayMs: number, message = 'asked to be tried again later') {
    super(message)
    this.delayMs = delayMs
  }
}

export const isPermanent = (thrown: unknown): boolean =>
  isErrorLike(thrown) && memberOf(thrown, 'name') === 'PermanentError'

/** @returns the delay in milliseconds that the handler requested, cut to the longest allowed; or null */
export function askedDelayMs(thrown: unknown): number | null {
  if (!isErrorLike(thrown) || memberOf(thrown, 'name') !== 'RetryLater') return null
  const delayMs = memberOf(thrown, 'delayMs')
  return typeof delayMs === 'number' && delayMs >= 0 ? Math.min(delayMs, DELAY_MAX_MS) : null
}
