import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from 'hasty/handler'

/** In its first attempt it does not listen to its signal, for longer than a lease. */
export const handler = {
  type: 'stubborn',
  async run(_payload: unknown, { attempt }: Context) {
    if (attempt === 1) await pause(8_000)
    return { attempt }
  },
}
