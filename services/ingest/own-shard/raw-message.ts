import { storedMessageSchema } from '#shared/contracts/log/message.ts'
import type { BatchMessage } from '../handlers/handler.ts'

/** A message as the stream has it. */
export interface RawMessage {
  seq: number
  /** When the broker stored it: nanoseconds since 1970. */
  storedNs: string
  body: string
  /** Monotonic time of the arrival. */
  arrivedMs: number
}

/** @returns null for a body that does not match this contract */
export function readMessage({ seq, body }: RawMessage): BatchMessage | null {
  try {
    const parsed = storedMessageSchema.safeParse(JSON.parse(body))
    if (!parsed.success) return null
    const { timestamp, value, key, tenant } = parsed.data
    const owner = tenant === undefined ? {} : { tenant }
    return { seq, timestamp, value: value ?? null, ...(key === undefined ? {} : { key }), ...owner }
  } catch {
    return null
  }
}
