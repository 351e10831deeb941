import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { TIMER_MAX_MS } from '#shared/formats/durations.ts'
import type { JobHandler } from './handler.ts'

export interface SleepOptions {
  minMs: number
  maxMs: number
  timeoutMs: number
  /** In [0, 1). */
  random(): number
}

/** The default type: sleeps for a random time and returns how long. `payload.ms` fixes the time. */
export const sleepHandler = (options: SleepOptions): JobHandler => ({
  type: 'sleep',
  policy: { ...DEFAULT_POLICY, timeout_ms: options.timeoutMs, on_timeout: 'cancel', cooldown_at_root_only: false },
  schema: z.looseObject({ ms: z.number().int().min(0).max(TIMER_MAX_MS).optional() }).nullable(),
  async run(payload, context) {
    const asked = (payload as { ms?: number } | null | undefined)?.ms
    const span = options.maxMs - options.minMs
    const ms = asked ?? options.minMs + Math.floor(options.random() * (span + 1))
    await sleep(ms, undefined, { signal: context.signal })
    return { sleep_time_used: ms }
  },
})
