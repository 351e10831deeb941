import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { MessageStream } from '../message-stream.ts'

/**
 * Removes all processed messages from the stream each time, because a broker that was killed may have brought some
 * back.
 */
export class DonePurger {
  readonly #messages: Pick<MessageStream, 'findRewrittenTail' | 'purgeBelow'>
  readonly #purged = new Map<number, number>()

  constructor(messages: Pick<MessageStream, 'findRewrittenTail' | 'purgeBelow'>) {
    this.#messages = messages
  }

  /** @throws when the broker does not answer */
  async purge(records: readonly ShardRecord[]): Promise<void> {
    for (const { shard, open, planned_seq, planned_ns } of records) {
      const firstNeeded = open[0]?.from_seq ?? planned_seq + 1
      if (this.#purged.get(shard) === firstNeeded) continue
      // New messages have sequences of lost ones, and the shard's reader may not know it yet: they are not processed.
      if ((await this.#messages.findRewrittenTail(shard, planned_seq, planned_ns)) !== null) continue
      await this.#messages.purgeBelow(shard, firstNeeded)
      this.#purged.set(shard, firstNeeded)
    }
  }
}
