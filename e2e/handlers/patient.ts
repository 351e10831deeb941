import type { Context } from 'hasty/handler'
import { sendEffect } from '../support/effect-client.ts'

/** Fails once and waits long for its second attempt. */
export const handler = {
  type: 'patient',
  policy: { backoff: { kind: 'fixed', base_ms: 6_000, max_ms: 6_000, jitter: 0 } },
  async run(_payload: unknown, context: Context) {
    if (context.attempt === 1) throw new Error('not yet')
    await sendEffect(context)
    return { fencing_token: context.fencingToken }
  },
}
