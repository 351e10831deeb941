import type { Context } from 'hasty/handler'
import { sendEffect } from '../support/effect-client.ts'

/** Keeps the event loop to itself for `ms`; without `ms` for ever. */
export const handler = {
  type: 'busy',
  policy: { timeout_ms: 20_000, on_timeout: 'cancel' },
  async run(payload: { ms?: number }, context: Context) {
    const endsAt = performance.now() + (payload.ms ?? Number.POSITIVE_INFINITY)
    while (performance.now() < endsAt);
    await sendEffect(context)
    return { fencing_token: context.fencingToken }
  },
}
