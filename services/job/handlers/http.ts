import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import type { CallOut, OutboundAnswer } from '#shared/outbound/call-out.ts'
import { isPermanentStatus } from '#shared/outbound/is-permanent-status.ts'
import { bodyOf } from './answer-body.ts'
import { callHeaders } from './call-headers.ts'
import type { JobHandler } from './handler.ts'
import type { Context } from './handler-types.ts'
import { failureOf, orPermanent } from './http-failure.ts'
import { type HttpPayload, httpPayloadSchema, isQueryMethod } from './http-payload.ts'
import { targetOf } from './http-target.ts'

export interface HttpOptions {
  callOut: CallOut
  services: ReadonlyMap<string, URL>
  /** Time limit of an attempt. */
  timeoutMs: number
  /** Time limit of the call within an attempt, whose error says more than that of the attempt's own timeout. */
  callTimeoutMs: number
  /** Wall clock, milliseconds. */
  now(): number
}

const BODY_KEPT_BYTES = 64 * 1024
const HEADERS_KEPT = [
  'content-type',
  'content-language',
  'etag',
  'last-modified',
  'location',
  'link',
  'retry-after',
  'x-request-id',
]
const HEADER_KEPT_LENGTH = 1_024

/** Calls a user's URL or a service of the operator; a 2xx answer is the result. */
export const httpHandler = (options: HttpOptions): JobHandler => ({
  type: 'http',
  policy: { ...DEFAULT_POLICY, timeout_ms: options.timeoutMs },
  schema: httpPayloadSchema,
  async run(given, context) {
    const payload = given as HttpPayload
    const hasBody = payload.params !== undefined && !isQueryMethod(payload.method)
    const answer = await orPermanent(
      options.callOut({
        target: targetOf(payload, options.services),
        method: payload.method,
        headers: headersOf(payload, context, hasBody),
        ...(hasBody ? { body: JSON.stringify(payload.params) } : {}),
        signal: context.signal,
        timeoutMs: options.callTimeoutMs,
        maxBodyBytes: BODY_KEPT_BYTES,
      }),
    )
    if (answer.status >= 200 && answer.status < 300) return resultOf(answer)
    throw failureOf(answer, isPermanentStatus(answer.status), options.now())
  },
})

/**
 * Headers of the call. The user's own come last, so that a target may use another Idempotency-Key; headers that users
 * must not set were refused earlier.
 */
function headersOf(payload: HttpPayload, context: Context, hasBody: boolean): Record<string, string> {
  const headers: Record<string, string> = { accept: '*/*', ...callHeaders(context) }
  if (hasBody) headers['content-type'] = 'application/json'
  for (const [name, value] of Object.entries(payload.headers ?? {})) headers[name.toLowerCase()] = value
  return headers
}

function resultOf(answer: OutboundAnswer) {
  const headers: Record<string, string> = {}
  for (const name of HEADERS_KEPT) {
    const value = answer.headers[name]
    if (value !== undefined) headers[name] = String(value).slice(0, HEADER_KEPT_LENGTH)
  }
  const kept = { status: answer.status, headers, body: bodyOf(answer) }
  return answer.truncated ? { ...kept, truncated: true } : kept
}
