import { appendFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { Context } from 'hasty/handler'

/** Takes `ms` between two lines in `file`: what ran at once, and in which order. */
export const handler = {
  type: 'counting',
  async run(payload: { file: string; ms: number; name?: string }, { jobId, signal }: Context) {
    await appendFile(payload.file, `start ${payload.name ?? jobId}\n`)
    await pause(payload.ms, undefined, { signal })
    await appendFile(payload.file, `end ${payload.name ?? jobId}\n`)
  },
}
