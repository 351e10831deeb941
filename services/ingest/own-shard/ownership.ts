import type { Records, Stored } from '#shared/bus/records.ts'
import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { Clock } from '#shared/time/clock.ts'
import { LostShardError } from './run-until.ts'

export type ShardRecords = Pick<Records<ShardRecord, number>, 'read' | 'write'>

/** A shard's record; its sequence is 0 where nothing is stored yet. */
export type StoredShard = Pick<Stored<ShardRecord>, 'seq' | 'record'>

export interface OwnershipDeps {
  records: ShardRecords
  clock: Clock
  /** Milliseconds after an answered write for which `confirm` treats the shard as this replica's. */
  leaseMs: number
  /**
   * Called when the shard is lost, or somebody needs a newer proof that it is not: write the record, even unchanged.
   */
  onNews(): void
}

/** The record of a shard that this replica owns. A refused write means that the shard is lost. */
export class Ownership {
  readonly #deps: OwnershipDeps
  readonly #lost = new AbortController()
  #stored: StoredShard
  /** Start of the last write that was answered. */
  #provenAtMs: number
  #asking: PromiseWithResolvers<void>[] = []

  constructor(deps: OwnershipDeps, stored: StoredShard) {
    this.#deps = deps
    this.#stored = stored
    this.#provenAtMs = deps.clock.monotonic()
  }

  get record(): ShardRecord {
    return this.#stored.record
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  get isAskedFor(): boolean {
    return this.#asking.length > 0
  }

  throwIfLost(): void {
    this.#lost.signal.throwIfAborted()
  }

  lose(why: unknown): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(why)
    for (const asking of this.#asking.splice(0)) asking.reject(why)
    this.#deps.onNews()
  }

  /**
   * Writes the record, and returns once there is a verdict, however long that takes.
   * @throws LostShardError when another replica has written the record
   */
  async write(record: ShardRecord): Promise<void> {
    const asking = this.#asking.splice(0)
    const startedMs = this.#deps.clock.monotonic()
    const stored = await this.#write(record).catch((error: unknown) => {
      for (const one of asking) one.reject(error)
      throw error
    })
    this.#stored = stored
    this.#provenAtMs = startedMs
    for (const one of asking) one.resolve()
  }

  /** @throws LostShardError */
  letGo(): Promise<void> {
    return this.write({ ...this.record, owner: null })
  }

  /** @throws when the shard belongs to another replica */
  async confirm(): Promise<void> {
    this.throwIfLost()
    if (this.#deps.clock.monotonic() - this.#provenAtMs > this.#deps.leaseMs) await this.renew()
  }

  /** Confirms like `confirm`, by a write that begins now. */
  renew(): Promise<void> {
    this.throwIfLost()
    const asking = Promise.withResolvers<void>()
    this.#asking.push(asking)
    this.#deps.onNews()
    return asking.promise
  }

  async #write(record: ShardRecord): Promise<StoredShard> {
    const stored = await this.#deps.records.write(record.shard, record, {
      afterSeq: this.#stored.seq,
      deadlineMs: Number.POSITIVE_INFINITY,
    })
    this.throwIfLost()
    if (stored === null) throw new LostShardError()
    return stored
  }
}
