import type { Readable } from 'node:stream'

/** Reads a body up to a limit and hangs up when there is more. A character cut in two at the limit is left out. */
export async function readBounded(body: Readable, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  let truncated = false
  // Hanging up makes the stream fail once more, when nobody listens any longer.
  body.on('error', () => undefined)
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const room = maxBytes - bytes
    truncated = chunk.byteLength > room
    chunks.push(truncated ? chunk.subarray(0, room) : chunk)
    bytes += Math.min(chunk.byteLength, room)
    if (truncated) break
  }
  return { text: new TextDecoder().decode(Buffer.concat(chunks), { stream: truncated }), truncated }
}
