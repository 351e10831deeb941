import type { JobView, Problem, RequestView } from './contracts.ts'

/** Codes besides those of the problems: there was no answer, or not one of a Hasty server. */
export type ClientCode = 'unreachable' | 'unexpected-answer'

export interface HastyErrorFields {
  /** 0: there was no answer. */
  status: number
  code: Problem['code'] | ClientCode
  /** One sentence for people. */
  detail: string
  /** The whole answer (RFC 9457), with the members of its code; null where there was none. */
  problem: Problem | null
  /** Milliseconds after which the request may be tried again, where the server said so. */
  retryAfterMs: number | null
  cause?: unknown
}

/** A request that was refused, or that got no answer however often it was repeated. */
export class HastyError extends Error {
  override name = 'HastyError'
  readonly status: number
  readonly code: Problem['code'] | ClientCode
  readonly detail: string
  readonly problem: Problem | null
  readonly retryAfterMs: number | null

  constructor(fields: HastyErrorFields) {
    super(fields.detail, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.status = fields.status
    this.code = fields.code
    this.detail = fields.detail
    this.problem = fields.problem
    this.retryAfterMs = fields.retryAfterMs
  }
}

/** Thrown by `run`: the job failed permanently. */
export class JobFailed extends Error {
  override name = 'JobFailed'
  readonly job: JobView

  constructor(job: JobView) {
    super(`Job ${job.job_id} failed: ${job.error?.message ?? job.reason ?? 'no reason was given'}`)
    this.job = job
  }
}

/** Thrown by `run`: somebody cancelled the job, or it ran into its timeout. */
export class JobCancelled extends Error {
  override name = 'JobCancelled'
  readonly job: JobView

  constructor(job: JobView) {
    super(`Job ${job.job_id} was cancelled: ${job.error?.message ?? job.reason ?? 'no reason was given'}`)
    this.job = job
  }
}

/** The job had not ended when the wait was over. It continues: wait again with its id. */
export class WaitTimeout extends Error {
  override name = 'WaitTimeout'
  /** The job as it was last seen. */
  readonly job: JobView

  constructor(job: JobView, waitMs: number) {
    super(`Job ${job.job_id} had not ended after ${waitMs} ms`)
    this.job = job
  }
}

/** The request had not ended when the wait was over. It continues. */
export class RequestWaitTimeout extends Error {
  override name = 'RequestWaitTimeout'
  /** The request as it was last seen. */
  readonly request: RequestView

  constructor(request: RequestView, waitMs: number) {
    super(`Request ${request.request_id} had not ended after ${waitMs} ms`)
    this.request = request
  }
}
