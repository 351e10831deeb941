import { setTimeout as pause } from 'node:timers/promises'

/** Takes `ms`, then fails in its first `bad_attempts` attempts; an attempt a round. */
export const handler = {
  type: 'moody',
  policy: { max_attempts: 1, cooldown: true },
  async run(payload: { ms?: number; bad_attempts?: number } | null, context: { attempt: number; signal: AbortSignal }) {
    await pause(payload?.ms ?? 0, undefined, { signal: context.signal })
    if (context.attempt <= (payload?.bad_attempts ?? 0)) throw new Error(`bad mood ${context.attempt}`)
    return { attempt: context.attempt }
  },
}
