import type { Logger } from '#shared/process/logger.ts'
import type { MessageOutcome } from './read-answer.ts'

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

/** In the order of the messages; without `outcomes` all are done. */
export interface BatchAnswer {
  outcomes?: MessageOutcome[]
}

/** What is done with the messages of a batch. What it throws is a reason to try all of them again. */
export interface BatchHandler {
  /** @returns a BatchAnswer where something is to be said of single messages; anything else says that all are done */
  run(messages: BatchMessage[], context: BatchContext): unknown
  /** It fails for reasons that no message is to blame for: it is tried until it succeeds. */
  triesForEver?: boolean
  /** Called once by who takes a shard, before its first batch. */
  prepare?(shard: number): Promise<void>
  /** For `/readyz`. @throws what is wrong */
  check?: () => Promise<void>
}
