import type { z } from 'zod'
import { BODY_MAX_DEPTH } from '#shared/contracts/http/jobs.ts'
import type { JobError } from '#shared/contracts/log/job.ts'
import { describeThrown, isErrorLike, messageOf, textOf } from '#shared/errors/foreign.ts'
import { jsonOf } from '#shared/errors/foreign-json.ts'
import { issuesOf } from '#shared/errors/zod-issues.ts'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { askedDelayMs, isPermanent, type JobHandler, PermanentError, RetryLater } from '../handlers/handler.ts'
import type { Context } from '../handlers/handler-types.ts'

/** The end of a run of a handler, in terms that cross process boundaries. */
export type HandlerOutcome =
  /** `json` is the result as JSON text. */
  | { kind: 'returned'; json: string }
  | { kind: 'threw'; error: JobError; permanent: boolean; reason: string; delayMs: number | null }

/** Larger results could not be stored beside the job's other members within the broker's message limit. */
export const RESULT_MAX_BYTES = 512 * 1024

/** Validates the payload, runs the handler, and turns the result or error into an outcome. Never rejects. */
export async function runHandler(handler: JobHandler, payload: unknown, context: Context): Promise<HandlerOutcome> {
  try {
    const parsed = await handler.schema?.safeParseAsync(payload ?? null, { error: zodMessages })
    if (parsed?.success === false) return permanent('invalid_payload', payloadError(parsed.error))
    // The schema's own output: defaults filled in, texts turned into numbers.
    return returned(await handler.run(parsed === undefined ? (payload ?? null) : parsed.data, context))
  } catch (thrown) {
    return threw(thrown)
  }
}

/** The outcome of an attempt whose handler, or a promise that the handler did not await, threw this. Never throws. */
export function threw(thrown: unknown): HandlerOutcome {
  const error = describeThrown(thrown)
  if (isPermanent(thrown)) return permanent('permanent', error)
  return { kind: 'threw', error, permanent: false, reason: 'attempts_exhausted', delayMs: askedDelayMs(thrown) }
}

function payloadError(error: z.ZodError): JobError {
  const [issue] = issuesOf(error)
  const where = issue === undefined ? '' : `/${issue.path.map(String).join('/')}: ${textOf(issue.message)}`
  return { name: 'InvalidPayload', message: textOf(`payload${where}`) }
}

const permanent = (reason: string, error: JobError): HandlerOutcome => ({
  kind: 'threw',
  error,
  permanent: true,
  reason,
  delayMs: null,
})

/** A handler's return value as an outcome. Never throws. */
export function returned(value: unknown): HandlerOutcome {
  const result = jsonOf(value, RESULT_MAX_BYTES)
  switch (result.kind) {
    case 'json':
      return { kind: 'returned', json: result.json }
    case 'not_json':
      return permanent('result_not_json', describeThrown(result.thrown))
    case 'too_deep': {
      const message = `the result is nested deeper than ${BODY_MAX_DEPTH} levels`
      return permanent('result_too_deep', { name: 'ResultTooDeep', message })
    }
    case 'too_large': {
      const message = `the result has at least ${result.bytes} bytes, the limit is ${RESULT_MAX_BYTES}`
      return permanent('result_too_large', { name: 'ResultTooLarge', message })
    }
  }
}

/** The text of a reason: many handlers pass the error that they caught. */
const textOfReason = (reason: unknown): string => (isErrorLike(reason) ? messageOf(reason) : textOf(reason))

/** The two ways in which a handler can end besides returning and throwing; the same in process and in a child. */
export const contextVerbs = {
  fail(reason: unknown): never {
    throw new PermanentError(reason === undefined ? 'failed permanently, without a reason' : textOfReason(reason), {
      cause: reason,
    })
  },
  retryLater(delayMs: number, reason?: unknown): never {
    throw new RetryLater(delayMs, reason === undefined ? undefined : textOfReason(reason))
  },
}
