import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { FindRegrown } from './find-regrown.ts'

/** Removes a subject's messages below a sequence. @throws when the broker does not answer */
export type PurgeBelow = (shard: number, seq: number) => Promise<void>

/** Removes what is done from the stream: all of it, because a broker that was killed may have brought some back. */
export class DonePurger {
  readonly #purgeBelow: PurgeBelow
  readonly #findRegrown: FindRegrown
  readonly #purged = new Map<number, number>()

  constructor(purgeBelow: PurgeBelow, findRegrown: FindRegrown) {
    this.#purgeBelow = purgeBelow
    this.#findRegrown = findRegrown
  }

  /** @throws when the broker does not answer */
  async purge(records: readonly ShardRecord[]): Promise<void> {
    for (const { shard, open, planned_seq, planned_ns } of records) {
      const firstNeeded = open[0]?.from_seq ?? planned_seq + 1
      if (this.#purged.get(shard) === firstNeeded) continue
      // New messages have sequences of lost ones, and the shard's reader may not know it yet: they are not done.
      if ((await this.#findRegrown(shard, planned_seq, planned_ns)) !== null) continue
      await this.#purgeBelow(shard, firstNeeded)
      this.#purged.set(shard, firstNeeded)
    }
  }
}
