import {
  SERVICE_POLICY,
  SERVICE_TYPE,
  type ServicePayload,
  serviceAnswerSchema,
  servicePayloadSchema,
} from '#shared/contracts/log/service-call.ts'
import { lostNumberDetail } from '#shared/formats/json-numbers.ts'
import type { OutboundAnswer } from '#shared/outbound/call-out.ts'
import { isPermanentStatus } from '#shared/outbound/is-permanent-status.ts'
import { readAnswer } from './answer-body.ts'
import { callHeaders } from './call-headers.ts'
import { type JobHandler, PermanentError } from './handler.ts'
import type { HttpOptions } from './http.ts'
import { failureOf, orPermanent, saidFailure, withCode } from './http-failure.ts'
import { serviceUrl } from './http-target.ts'

/** Below the limit of a result: an answer that is cut off would lose extras. */
const ANSWER_MAX_BYTES = 256 * 1024

/**
 * Runs a request's job: a service of the operator gets everything that the job may know, and answers with the outcome.
 */
export const serviceHandler = (options: HttpOptions): JobHandler => ({
  type: SERVICE_TYPE,
  policy: { ...SERVICE_POLICY, timeout_ms: options.timeoutMs },
  schema: servicePayloadSchema,
  async run(given, context) {
    const { service, path, request_id, job, params, extras, payload } = given as ServicePayload
    const { jobId: job_id, attempt } = context
    const body = { request_id, job_id, job, attempt, params, extras, ...(payload === undefined ? {} : { payload }) }
    const answer = await orPermanent(
      options.callOut({
        target: serviceUrl(options.services, service, path),
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/json', ...callHeaders(context) },
        body: JSON.stringify(body),
        signal: context.signal,
        timeoutMs: options.callTimeoutMs,
        maxBodyBytes: ANSWER_MAX_BYTES,
      }),
    )
    return resultOf(answer, options.now())
  },
})

/** The result, by the HTTP status unless the body has one. @throws an answer that the service called a failure */
function resultOf(answer: OutboundAnswer, nowMs: number) {
  const isOk = answer.status >= 200 && answer.status < 300
  if (isOk && answer.truncated) {
    throw withCode(new PermanentError(`the answer has more than ${ANSWER_MAX_BYTES} bytes`), 'answer-too-large')
  }
  const { body, lost } = readAnswer(answer)
  const said = whatIsSaid(body, isOk)
  const status = said?.status ?? (isOk ? 'success' : null)
  if (status === null && said?.error === undefined) throw failureOf(answer, isPermanentStatus(answer.status), nowMs)
  if (status !== 'success') {
    const isPermanent = status === null ? isPermanentStatus(answer.status) : status === 'failure'
    throw saidFailure(answer, said?.error ?? `the service answered ${status}`, isPermanent, nowMs)
  }
  if (lost !== null) throw invalidAnswer(`${lost.pointer} ${lostNumberDetail(lost)}`)
  if (said === null) return { result: body }
  return { ...(said.extras === undefined ? {} : { extras: said.extras }), result: said.result ?? null }
}

/**
 * The members of a body that follows serviceAnswerSchema; null: the body is something else, and of a success the
 * result.
 * @throws PermanentError for extras that cannot be merged: ignoring them would lose data that the next step needs
 */
function whatIsSaid(body: unknown, isOk: boolean) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null
  const parsed = serviceAnswerSchema.safeParse(body)
  if (parsed.success) {
    const { status, extras, error } = parsed.data
    const isAnswer = status !== undefined || extras !== undefined || 'result' in body || (!isOk && error !== undefined)
    return isAnswer ? parsed.data : null
  }
  if (!isOk || !('extras' in body)) return null
  const [issue] = parsed.error.issues
  throw invalidAnswer(`${issue?.path.join('.')}: ${issue?.message}`)
}

const invalidAnswer = (what: string): Error =>
  withCode(new PermanentError(`the answer does not match the contract of services: ${what}`), 'invalid-answer')
