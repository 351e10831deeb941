import type { Context } from 'hasty/handler'
import { pause, sendEffect } from '../support/effect-client.ts'

/** Takes `ms`, then writes to the sink under its fencing token, as a payment or a mail would; fails `failures` times before. */
export const handler = {
  type: 'effect',
  policy: { timeout_ms: 20_000, max_attempts: 6, backoff: { kind: 'fixed', base_ms: 300, max_ms: 300, jitter: 0.5 } },
  schema: {
    type: 'object',
    properties: { ms: { type: 'integer' }, failures: { type: 'integer' } },
    required: ['ms'],
  },
  async run(payload: { ms: number; failures?: number }, context: Context) {
    await pause(payload.ms, context.signal)
    if (context.attempt <= (payload.failures ?? 0)) throw new Error(`failure ${context.attempt}`)
    await sendEffect(context)
    return { fencing_token: context.fencingToken }
  },
}
