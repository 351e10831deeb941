import type { Context } from 'hasty/handler'
import { type Hostile, makeHostile } from '../hostile.ts'

/** Through which door of the worker the values go. */
export type HostilePayload = {
  door: 'throw' | 'reject' | 'return' | 'resolve later' | 'progress' | 'fail' | 'retryLater' | 'unawaited' | 'send'
  value: Hostile
  other: Hostile
}

/** Hands its worker what no worker expects. */
export const handler = {
  type: 'hostile',
  policy: {
    timeout_ms: 10_000,
    max_attempts: 2,
    cooldown: false,
    backoff: { kind: 'fixed', base_ms: 20, max_ms: 20, jitter: 0 },
  },
  async run({ door, value, other }: HostilePayload, context: Context) {
    const made = makeHostile(value)
    switch (door) {
      case 'throw':
        throw made
      case 'reject':
        await new Promise((_resolve, reject) => reject(made))
        return 'unreachable'
      case 'return':
        return made
      case 'resolve later':
        return new Promise((resolve) => setTimeout(() => resolve(made), 1))
      case 'progress':
        context.progress(50, made as string, makeHostile(other))
        context.progress(made as number, 'by a value', null)
        await new Promise((resolve) => setTimeout(resolve, 5))
        return 'reported'
      case 'fail':
        return context.fail(made as string)
      case 'retryLater':
        return context.retryLater(makeHostile(other) as number, made as string)
      case 'unawaited':
        void Promise.reject(made)
        await new Promise((resolve) => setTimeout(resolve, 5_000))
        return 'unreachable'
      case 'send':
        // As a library would that takes its process for a worker of its own; only a child can.
        try {
          process.send?.(made)
          process.send?.({ kind: 'progress', percent: 50, message: makeHostile(other), data: made })
        } catch {
          // What is no JSON cannot be sent.
        }
        return 'sent'
    }
  },
}
