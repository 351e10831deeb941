import { textOf } from '#shared/errors/foreign.ts'
import type { CallOut } from '#shared/outbound/call-out.ts'
import { isPermanentStatus } from '#shared/outbound/is-permanent-status.ts'
import { VERSION } from '#shared/process/version.ts'
import type { BatchAnswer, BatchHandler } from './handler.ts'

export interface HttpHandlerOptions {
  /** Chosen by the operator: it may be private. */
  url: URL
  callOut: CallOut
  /** Limit of the call, its answer included. */
  timeoutMs: number
}

/** Room for 1,000 outcomes with a reason each. */
const ANSWER_MAX_BYTES = 4 * 1024 * 1024
const REASON_MAX_LENGTH = 500

/** Posts each batch to an endpoint. 2xx: done, unless the body has the outcome of each message. */
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
    if (answer.status >= 200 && answer.status < 300) return bodyOf(answer.text)
    const said = `the endpoint answered ${answer.status}: ${textOf(answer.text, REASON_MAX_LENGTH)}`
    if (!isPermanentStatus(answer.status)) throw new Error(said)
    return { outcomes: messages.map(() => ({ failed: said })) } satisfies BatchAnswer
  },
})

/** @throws for outcomes that are cut off or no JSON: ignoring them would count all messages as done */
function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (text.includes('"outcomes"')) throw new Error("the endpoint's outcomes are no JSON", { cause: error })
    return text
  }
}
