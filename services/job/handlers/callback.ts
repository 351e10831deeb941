import {
  CALLBACK_CALL_TIMEOUT_MS,
  CALLBACK_POLICY,
  CALLBACK_TYPE,
  type CallbackPayload,
  callbackPayloadSchema,
} from '#shared/contracts/log/callback.ts'
import type { CallOut } from '#shared/outbound/call-out.ts'
import { traceHeader, USER_AGENT } from './call-headers.ts'
import { signatureHeaders } from './callback-signature.ts'
import { type JobHandler, PermanentError } from './handler.ts'
import { failureOf, orPermanent, withCode } from './http-failure.ts'

export interface CallbackOptions {
  callOut: CallOut
  /** Secrets of WEBHOOK_SECRET; without any, nothing is sent, because nobody could tell who sent it. */
  secrets: readonly Buffer[]
  /** Wall clock, milliseconds. */
  now(): number
}

const ANSWER_READ_BYTES = 4 * 1024
/** Status of a receiver that wants no more webhooks. */
const GONE = 410

/** Delivers one webhook: signed, and tried again until the receiver answers 2xx, or 410 to stop it. */
export const callbackHandler = (options: CallbackOptions): JobHandler => ({
  type: CALLBACK_TYPE,
  policy: CALLBACK_POLICY,
  schema: callbackPayloadSchema,
  async run(given, context) {
    const { url, webhook_id, body } = given as CallbackPayload
    if (options.secrets.length === 0) {
      throw withCode(
        new PermanentError('WEBHOOK_SECRET is not set in the job service: webhooks cannot be signed'),
        'webhook-secret-missing',
      )
    }
    const text = JSON.stringify(body)
    const answer = await orPermanent(
      options.callOut({
        target: url,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': USER_AGENT,
          ...traceHeader(context),
          ...signatureHeaders(options.secrets, webhook_id, options.now(), text),
        },
        body: text,
        signal: context.signal,
        timeoutMs: CALLBACK_CALL_TIMEOUT_MS,
        maxBodyBytes: ANSWER_READ_BYTES,
      }),
    )
    if (answer.status >= 200 && answer.status < 300) return { status: answer.status }
    throw failureOf(answer, answer.status === GONE, options.now())
  },
})
