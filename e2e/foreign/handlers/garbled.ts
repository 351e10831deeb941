import { writeSync } from 'node:fs'
import type { Context } from 'hasty/handler'

/** Where a child process has its channel to the worker. */
const CHANNEL = 3

export interface GarbledPayload {
  writes?: string
  sends?: unknown
}

export const handler = {
  type: 'garbled',
  policy: { cooldown: false },
  async run({ writes, sends }: GarbledPayload, { attempt }: Context) {
    // The next attempts have a process of their own.
    if (attempt === 1) process.exit(1)
    if (writes !== undefined) writeSync(CHANNEL, writes)
    if (sends !== undefined) process.send?.(sends)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    return 'ok'
  },
}
