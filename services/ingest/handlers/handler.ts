import type { Logger } from '#shared/process/logger.ts'
import type { MessageOutcome } from './read-answer.ts'

export interface BatchMessage {
  /** The message's sequence in the stream: larger for messages accepted later, and the same at every attempt. */
  seq: number
  /** RFC 3339, as the sender wrote it. */
  timestamp: string
  /** Any JSON value; null where the sender gave none. */
  value: unknown
  /** The source that the sender named. */
  key?: string
  /** The tenant that owns the message, where its sender's token named one. */
  tenant?: string
}

/** Everything that a handler may use besides the messages. */
export interface BatchContext {
  /** `<shard>-<number>`: at every attempt and in every replica the same messages, or those that are left of them. */
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
  /** Aborted at the timeout, and when another replica has taken the shard. */
  readonly signal: AbortSignal
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /**
   * Call it right before something that must not be done twice: it confirms that the shard was this replica's within
   * INGEST_LEASE_MS.
   * @throws when the shard belongs to another replica
   */
  readonly confirmOwned: () => Promise<void>
}

/** Outcomes in the order of the messages; without `outcomes` all messages are done. */
export interface BatchAnswer {
  outcomes?: MessageOutcome[]
}

/** Processes the messages of a batch. When it throws, all of them are tried again. */
export interface BatchHandler {
  /** @returns a BatchAnswer with the outcomes of single messages; any other value means that all are done */
  run(messages: BatchMessage[], context: BatchContext): unknown
  /** The handler fails only for reasons that no message is to blame for: a batch is tried until it succeeds. */
  triesForEver?: boolean
  /** Called once by a replica that takes a shard, before its first batch. */
  prepare?(shard: number): Promise<void>
  /** For `/readyz`. @throws an error that says what is wrong */
  check?: () => Promise<void>
}
