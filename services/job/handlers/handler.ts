import type { z } from 'zod'
import type { JobPolicy } from '#shared/contracts/log/job-type.ts'
import { DELAY_MAX_MS } from '#shared/contracts/log/limits.ts'
import { isErrorLike, memberOf } from '#shared/errors/foreign.ts'
import type { Logger } from '#shared/process/logger.ts'

/** Everything that a handler may use besides its payload. */
export interface JobContext {
  readonly jobId: string
  readonly objectId: string
  /** When the job was accepted: RFC 3339. */
  readonly createdAt: string
  /** 1 for the first try. */
  readonly attempt: number
  /** Rises with every start of this job: pass it to systems that you write to, and let them refuse a lower one. */
  readonly fencingToken: number
  /** Aborted at the timeout, when the job is cancelled, and when a drain hands it back. */
  readonly signal: AbortSignal
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /** Reports the job's progress; at most one report a second is stored, and the latest wins. */
  readonly progress: (percent: number, message?: string, data?: unknown) => void
  /** Ends the job as failed, without another attempt. */
  readonly fail: (message: string) => never
  /** Requests another attempt after this many milliseconds instead of the type's backoff. */
  readonly retryLater: (delayMs: number, message?: string) => never
}

/** One job type: the schema of its payload, its policy, and its code. */
export interface JobHandler {
  type: string
  policy: JobPolicy
  /** null accepts any JSON value. */
  schema: z.ZodType | null
  run(payload: unknown, context: JobContext): unknown
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
