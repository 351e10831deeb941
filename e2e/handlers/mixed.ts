import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from 'hasty/handler'

export type MixedPayload = { how: 'finish' | 'fail' | 'retry' | 'wait' | 'hog' }

/** Ends as it is told: at once, for good, well at its third attempt, when it is told to stop, or after 8 s alone. */
export const handler = {
  type: 'mixed',
  policy: { max_attempts: 3, on_timeout: 'cancel', backoff: { kind: 'fixed', base_ms: 100, max_ms: 100, jitter: 0 } },
  async run({ how }: MixedPayload, context: Context) {
    if (how === 'wait') await pause(60_000, undefined, { signal: context.signal })
    const endsAt = performance.now() + (how === 'hog' ? 8_000 : 0)
    while (performance.now() < endsAt);
    if (how === 'fail') context.fail('for good')
    if (how === 'retry' && context.attempt < 3) throw new Error(`not yet: ${context.attempt}`)
    return { attempt: context.attempt }
  },
}
