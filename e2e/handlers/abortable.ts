import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { Context } from 'hasty/handler'

/** Runs until it is told to stop, and writes then when that was into `payload.file`. */
export const handler = {
  type: 'abortable',
  async run(payload: { file: string }, { signal }: Context) {
    if (!signal.aborted) await once(signal, 'abort')
    await writeFile(payload.file, JSON.stringify({ abortedAtMs: Date.now(), why: String(signal.reason) }))
    throw signal.reason
  },
}
