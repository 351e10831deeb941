import { PROBLEMS, type Problem, type ProblemCode, problemType } from '#shared/contracts/http/problems.ts'
import type { JobError } from '#shared/contracts/log/job.ts'

interface AppErrorOptions {
  /** Overrides the code's usual status (the cooldown is 400 at the root and 409 under /v1). */
  status?: number
  /** Further members of the problem document. */
  members?: Record<string, unknown>
  headers?: Record<string, string>
  cause?: unknown
}

/** An error that a caller may see. Everything else becomes `internal`, with its cause in the log only. */
export class AppError extends Error {
  override name = 'AppError'
  readonly code: ProblemCode
  readonly status: number
  readonly members: Record<string, unknown>
  readonly headers: Record<string, string>

  constructor(code: ProblemCode, detail: string, options: AppErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = options.status ?? PROBLEMS[code].status
    this.members = options.members ?? {}
    this.headers = options.headers ?? {}
  }
}

/** The error as a job or a schedule keeps it: the part that a caller may see, without its cause. */
export const publicErrorOf = ({ name, message, code }: AppError): JobError => ({ name, message, code })

/** A detail about one member or parameter: `/object_id: is missing.` */
export const detailAbout = (name: string, what: string): string => `${name}: ${what.replace(/\.?$/, '.')}`

export const nothingHere = (): AppError =>
  new AppError('not-found', 'Nothing exists at this address. /openapi.json lists all routes.')

/** The 503 for a broker or store that cannot do its work. */
export const unavailable = (detail: string, cause?: unknown): AppError =>
  new AppError('unavailable', detail, { headers: { 'Retry-After': '1' }, cause })

/** For the `catch` of a read: the 503 that says what could not be read. */
export const cannotRead =
  (what: string) =>
  (cause: unknown): never => {
    throw unavailable(`${what} cannot be read at the moment. Try again.`, cause)
  }

export function problemOf(error: AppError, requestId: string | undefined, instance?: string): Problem {
  return {
    type: problemType(error.code),
    title: PROBLEMS[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(instance === undefined ? {} : { instance }),
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...error.members,
  }
}
