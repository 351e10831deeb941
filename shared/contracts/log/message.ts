import { z } from 'zod'

export const MESSAGES_MAX = 10_000
export const MESSAGES_MAX_BYTES = 8 * 1024 * 1024
/** Largest size of one value: a text as it is, anything else as JSON, in bytes of UTF-8. */
export const VALUE_MAX_BYTES = 64 * 1024

export const SHARDS_DEFAULT = 4
export const SHARDS_MAX = 64

/** A message as it is stored in the broker, and, with its sequence, as one line of a file. */
export const storedMessageSchema = z.looseObject({
  timestamp: z.string().meta({ description: 'RFC 3339, as it was sent' }),
  value: z.unknown().meta({ description: 'Any JSON value' }),
  key: z.string().optional(),
  /** The tenant that owns the message, where its sender's token named one. */
  tenant: z.string().optional(),
})
export type StoredMessage = z.infer<typeof storedMessageSchema>

/** The shard of a source: all its messages are in one, in the order in which they were accepted. */
export function shardOfKey(key: string, shards: number): number {
  // FNV-1a over UTF-16 units; the finalizer below spreads it.
  let bits = 0x811c9dc5
  for (let n = 0; n < key.length; n++) bits = Math.imul(bits ^ key.charCodeAt(n), 0x01000193)
  return (mixed(bits) >>> 0) % shards
}

/**
 * The shard of a moment. Timestamps come in round steps (whole seconds, every 250 ms), of which a plain remainder would
 * fill few shards: the bits are mixed first. The same moment always gives the same shard.
 * @param epochMs milliseconds since 1970, may be negative
 * @param shards number of shards
 */
export function shardOf(epochMs: number, shards: number): number {
  const low = Math.floor(epochMs) | 0
  const high = Math.floor(epochMs / 2 ** 32) | 0
  return (mixed(low ^ Math.imul(high, 0x9e3779b1)) >>> 0) % shards
}

/** The finalizer of MurmurHash3: each bit of the result depends on all bits. */
function mixed(start: number): number {
  let bits = Math.imul(start ^ (start >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
