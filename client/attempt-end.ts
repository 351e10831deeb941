// How an attempt ended, as it can be sent: whatever a handler returns or throws, its job learns of it at once, and not
// when the lease runs out.
import type { LentJob, SettledWork, WorkError } from './contracts.ts'
import { HastyError } from './errors.ts'
import type { WorkCalls } from './work.ts'

/** How a handler ends a job besides returning its result. */
export class WorkFailed extends Error {
  override name = 'WorkFailed'
  readonly error: WorkError
  /** false: another attempt cannot help. */
  readonly retry: false | { delay_ms: number } | undefined

  constructor(error: WorkError, retry?: false | { delay_ms: number }) {
    super(error.message)
    this.error = error
    this.retry = retry
  }
}

/** The body of `fail`. */
interface Failure {
  error: WorkError
  retry?: false | { delay_ms: number }
}

const NAME_MAX_LENGTH = 1_000
const MESSAGE_MAX_LENGTH = 10_000
const STACK_MAX_LENGTH = 50_000

/** A result that the server does not take fails the job for good: another attempt would only make it again. */
export async function sendResult(work: WorkCalls, job: LentJob, result: unknown): Promise<SettledWork> {
  try {
    return await work.complete(job, result)
  } catch (error) {
    // JSON.stringify throws what it likes: a TypeError for a cycle, or the error of a getter.
    if (!(error instanceof HastyError)) {
      const why = textOf(() => (error as Error).message, MESSAGE_MAX_LENGTH)
      return work.fail(job, refusedResult('invalid-result', `it is not JSON: ${why}`))
    }
    if (!isRefusal(error)) throw error
    return work.fail(job, refusedResult(error.code, error.detail))
  }
}

export async function sendFailure(work: WorkCalls, job: LentJob, thrown: unknown): Promise<SettledWork> {
  const failure = failureOf(thrown)
  try {
    return await work.fail(job, failure)
  } catch (error) {
    if (!(error instanceof HastyError && isRefusal(error))) throw error
    const about = { name: 'Error', message: `the error was refused: ${error.detail}`, code: error.code }
    return work.fail(job, { error: about, ...(failure.retry === false ? { retry: false } : {}) })
  }
}

/** A failure of a command or handler whose result no server would take. */
export const refusedResult = (code: string, detail: string): { error: WorkError; retry: false } => ({
  error: { name: 'Permanent', message: `the result was refused: ${detail}`, code },
  retry: false,
})

/** Whether a body cannot be taken, now or later; the client itself refuses numbers that would change. */
export const isRefusal = ({ status, code }: HastyError): boolean =>
  status === 400 || status === 413 || status === 422 || (status === 0 && code === 'number-out-of-range')

/** Never throws: a message may be a getter, a name may be anything, and some objects have no text at all. */
function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof WorkFailed)) {
    if (!(thrown instanceof Error)) return { error: { message: textOf(() => thrown, MESSAGE_MAX_LENGTH) } }
    const name = textOf(() => thrown.name, NAME_MAX_LENGTH, 'Error')
    return { error: { name, message: textOf(() => thrown.message, MESSAGE_MAX_LENGTH, name) } }
  }
  const { error, retry } = thrown
  const sent: WorkError = { message: textOf(() => error.message, MESSAGE_MAX_LENGTH) }
  if (error.name !== undefined) sent.name = textOf(() => error.name, NAME_MAX_LENGTH)
  if (error.code !== undefined) sent.code = textOf(() => error.code, NAME_MAX_LENGTH)
  if (error.stack !== undefined) sent.stack = textOf(() => error.stack, STACK_MAX_LENGTH)
  if (retry === undefined) return { error: sent }
  return { error: sent, retry: retry && { delay_ms: Math.max(0, Math.round(retry.delay_ms)) } }
}

/**
 * The beginning of a text as UTF-8 can express it: half of a surrogate pair becomes U+FFFD.
 * @param value its exception is taken for a value without a text
 */
export function textOf(value: () => unknown, maxLength: number, otherwise = 'a value without a text'): string {
  try {
    const text = String(value()).slice(0, maxLength)
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text))
  } catch {
    return otherwise
  }
}
