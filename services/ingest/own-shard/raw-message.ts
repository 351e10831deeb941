import { storedMessageSchema } from '#shared/contracts/log/message.ts'
import type { BatchMessage } from '../handlers/handler.ts'

/** A message as the stream has it. */
export interface RawMessage {
  seq: number
  /** When the broker stored it: nanoseconds since 1970. */
  storedNs: string
  body: string
  /** Monotonic time. */
  arrivedMs: number
}

/** @returns null for what is no message of this contract */
export function readMessage({ seq, body }: RawMessage): BatchMessage | null {
  try {
    const parsed = storedMessageSchema.safeParse(JSON.parse(body))
    if (!parsed.success) return null
    const { timestamp, value, tenant } = parsed.data
    return { seq, timestamp, value, ...(tenant === undefined ? {} : { tenant }) }
  } catch {
    return null
  }
}
