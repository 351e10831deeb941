import type { z } from 'zod'
import type { JobError } from '#shared/contracts/job.ts'
import { coerceJobError } from '#shared/runtime/errors.ts'
import { inOurWords } from '#shared/runtime/in-our-words.ts'
import {
  askedDelayMs,
  isPermanent,
  type JobContext,
  type JobHandler,
  PermanentError,
  RetryLater,
} from './handlers/handler.ts'

/** How one run of a handler ended, in terms that cross process boundaries. */
export type HandlerOutcome =
  /** `json` is the result as JSON text. */
  | { kind: 'returned'; json: string }
  | { kind: 'threw'; error: JobError; permanent: boolean; reason: string; delayMs: number | null }

/** Larger results could not be stored beside the job's other members within the broker's message limit. */
export const RESULT_MAX_BYTES = 512 * 1024

/** Validates the payload, runs the handler, and turns whatever comes back into an outcome. Never rejects. */
export async function runHandler(handler: JobHandler, payload: unknown, context: JobContext): Promise<HandlerOutcome> {
  try {
    const parsed = await handler.schema?.safeParseAsync(payload ?? null, { error: inOurWords })
    if (parsed?.success === false) return permanent('invalid_payload', payloadError(parsed.error))
    // What the schema made of it: defaults filled in, texts turned into numbers.
    return returned(await handler.run(parsed === undefined ? (payload ?? null) : parsed.data, context))
  } catch (thrown) {
    const error = coerceJobError(thrown)
    if (isPermanent(thrown)) return permanent('permanent', error)
    return { kind: 'threw', error, permanent: false, reason: 'attempts_exhausted', delayMs: askedDelayMs(thrown) }
  }
}

function payloadError(error: z.ZodError): JobError {
  const [issue] = error.issues
  const message = `payload${issue === undefined ? '' : `/${issue.path.join('/')}: ${issue.message}`}`
  return { name: 'InvalidPayload', message }
}

const permanent = (reason: string, error: JobError): HandlerOutcome => ({
  kind: 'threw',
  error,
  permanent: true,
  reason,
  delayMs: null,
})

function returned(value: unknown): HandlerOutcome {
  let json: string
  try {
    json = JSON.stringify(value) ?? 'null'
  } catch (error) {
    return permanent('result_not_json', coerceJobError(error))
  }
  if (Buffer.byteLength(json) > RESULT_MAX_BYTES) {
    const message = `the result has ${Buffer.byteLength(json)} bytes, the limit is ${RESULT_MAX_BYTES}`
    return permanent('result_too_large', { name: 'ResultTooLarge', message })
  }
  return { kind: 'returned', json }
}

/** The two ways a handler speaks besides returning and throwing; the same in process and in a child. */
export const contextVerbs = {
  fail(message: string): never {
    throw new PermanentError(message)
  },
  retryLater(delayMs: number, message?: string): never {
    throw new RetryLater(delayMs, message)
  },
}
