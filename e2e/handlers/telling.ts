import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from 'hasty/handler'

/** Says how far it is, `steps` times, `ms` apart. */
export const handler = {
  type: 'telling',
  async run(payload: { steps: number; ms: number }, context: Context) {
    for (let step = 1; step <= payload.steps; step++) {
      context.progress((100 * step) / payload.steps, `step ${step}`, { step })
      await pause(payload.ms, undefined, { signal: context.signal })
    }
    return { told: payload.steps }
  },
}
