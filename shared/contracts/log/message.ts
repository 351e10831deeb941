import { z } from 'zod'

export const MESSAGES_MAX = 10_000
export const MESSAGES_MAX_BYTES = 8 * 1024 * 1024
/** Largest size of one value, in bytes of UTF-8. */
export const VALUE_MAX_BYTES = 64 * 1024

export const SHARDS_DEFAULT = 4
export const SHARDS_MAX = 64

/** A message as it is stored in the broker, and, with its sequence, as one line of a file. */
export const storedMessageSchema = z.looseObject({
  timestamp: z.string().meta({ description: 'RFC 3339, as it was sent' }),
  value: z.string().nullable(),
  /** The tenant that owns the message, where its sender's token named one. */
  tenant: z.string().optional(),
})
export type StoredMessage = z.infer<typeof storedMessageSchema>

/**
 * The shard of a moment. Timestamps come in round steps (whole seconds, every 250 ms), of which a plain remainder would
 * fill few shards: the bits are mixed first (the finalizer of MurmurHash3). The same moment always gives the same
 * shard.
 * @param epochMs milliseconds since 1970, may be negative
 * @param shards number of shards
 */
export function shardOf(epochMs: number, shards: number): number {
  const low = Math.floor(epochMs) | 0
  const high = Math.floor(epochMs / 2 ** 32) | 0
  let bits = low ^ Math.imul(high, 0x9e3779b1)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return ((bits ^ (bits >>> 16)) >>> 0) % shards
}
