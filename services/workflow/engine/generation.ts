import type { Stream } from '#shared/bus/stream.ts'
import { type Clock, SECOND } from '#shared/time/clock.ts'

/** Longest time until a new stream is noticed. */
const FRESH_MS = 5 * SECOND

/** When the stream was created, milliseconds: versions of another stream mean nothing in this one. */
export function createGeneration(stream: Pick<Stream, 'state'>, clock: Clock): () => Promise<number> {
  let known = { generation: 0, atMs: Number.NEGATIVE_INFINITY }
  return async () => {
    if (clock.monotonic() - known.atMs > FRESH_MS) {
      const { created } = await stream.state()
      known = { generation: Date.parse(created), atMs: clock.monotonic() }
    }
    return known.generation
  }
}
