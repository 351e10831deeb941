import type { CallOut } from '#shared/outbound/call-out.ts'
import { isForGood } from '#shared/outbound/is-for-good.ts'
import { VERSION } from '#shared/runtime/version.ts'
import type { BatchHandler, MessageOutcome } from './handler.ts'
import { batchAnswerSchema } from './handler.ts'

export interface HttpHandlerOptions {
  /** The operator's: it may be private. */
  url: URL
  callOut: CallOut
  /** Of the call, its answer included. */
  timeoutMs: number
}

/** Above 1,000 outcomes with a reason each. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024
const REASON_MAX_LENGTH = 500

/** Posts each batch to an endpoint. 2xx: done, unless its body tells the outcome of each message. */
export const httpHandler = ({ url, callOut, timeoutMs }: HttpHandlerOptions): BatchHandler => ({
  async run(messages, context) {
    const { batchId, shard, worker, attempt, idempotencyKey, signal } = context
    const answer = await callOut({
      target: url,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': `Hasty/${VERSION}`,
        'idempotency-key': idempotencyKey,
      },
      body: JSON.stringify({ batch_id: batchId, shard, worker, attempt, messages }),
      signal,
      timeoutMs,
      maxBodyBytes: ANSWER_MAX_BYTES,
    })
    if (answer.status >= 200 && answer.status < 300) return outcomesIn(answer.text)
    const said = `the endpoint answered ${answer.status}: ${answer.text.slice(0, REASON_MAX_LENGTH)}`
    if (!isForGood(answer.status)) throw new Error(said)
    return { outcomes: messages.map((): MessageOutcome => ({ failed: said })) }
  },
})

/** A body that is no JSON object, or has no outcomes, tells nothing: all are done. @throws on outcomes of another form */
function outcomesIn(text: string) {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return {}
  }
  return typeof body === 'object' && body !== null && 'outcomes' in body ? batchAnswerSchema.parse(body) : {}
}
