import { z } from 'zod'
import type { Logger } from '#shared/runtime/logger.ts'

export interface BatchMessage {
  /** Its sequence in the stream: larger for what was accepted later, and the same at every attempt. */
  seq: number
  /** RFC 3339, as it was sent. */
  timestamp: string
  value: string | null
  /** Whose it is, where its sender's token named a tenant. */
  tenant?: string
}

/** What a handler may use besides the messages. */
export interface BatchContext {
  /** `<shard>-<number>`: at every attempt and in every replica the same messages, or what is left of them. */
  readonly batchId: string
  readonly shard: number
  readonly batch: number
  /** `<shard>-<place>`. */
  readonly worker: string
  /** 1 for the first try. */
  readonly attempt: number
  readonly fromSeq: number
  readonly toSeq: number
  /** The same for the same messages. */
  readonly idempotencyKey: string
  /** Aborted at the timeout, and when the shard is another replica's. */
  readonly signal: AbortSignal
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /**
   * For right before what must not be done twice: the shard was this replica's within INGEST_LEASE_MS.
   * @throws when it is another's
   */
  readonly confirmOwned: () => Promise<void>
}

const REASON_MAX_LENGTH = 2_000
const reason = z.string().transform((text) => text.slice(0, REASON_MAX_LENGTH))

/** Of one message: done, to be tried again, or never to be tried again. */
export const messageOutcomeSchema = z.union([
  z.literal('done'),
  z.object({ retry: reason }),
  z.object({ failed: reason }),
])
export type MessageOutcome = z.output<typeof messageOutcomeSchema>

/** In the order of the messages; without it all are done. */
export const batchAnswerSchema = z.object({ outcomes: z.array(messageOutcomeSchema).optional() })
export type BatchAnswer = z.input<typeof batchAnswerSchema>

/** What is done with the messages of a batch. What it throws is a reason to try all of them again. */
export interface BatchHandler {
  run(messages: BatchMessage[], context: BatchContext): BatchAnswer | void | Promise<BatchAnswer | void>
  /** It fails for reasons that no message is to blame for: it is tried until it succeeds. */
  triesForEver?: boolean
  /** Called once by who takes a shard, before its first batch. */
  prepare?(shard: number): Promise<void>
  /** For `/readyz`. @throws what is wrong */
  check?: () => Promise<void>
}
