import type { ShardRecord } from '#shared/contracts/ingest.ts'

/** Removes a subject's messages below a sequence. @throws when the broker does not answer */
export type PurgeBelow = (shard: number, seq: number) => Promise<void>

/** Removes what is done from the stream: all of it, because a broker that was killed may have brought some back. */
export class DonePurger {
  readonly #purgeBelow: PurgeBelow
  readonly #purged = new Map<number, number>()

  constructor(purgeBelow: PurgeBelow) {
    this.#purgeBelow = purgeBelow
  }

  /** @throws when the broker does not answer */
  async purge(records: readonly ShardRecord[]): Promise<void> {
    for (const { shard, open, planned_seq: plannedSeq } of records) {
      const firstNeeded = open[0]?.from_seq ?? plannedSeq + 1
      if (this.#purged.get(shard) === firstNeeded) continue
      await this.#purgeBelow(shard, firstNeeded)
      this.#purged.set(shard, firstNeeded)
    }
  }
}
