import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { Logger } from '#shared/process/logger.ts'
import { sleep } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import type { StoredShard } from '../own-shard/ownership.ts'
import type { ShardOwner } from '../own-shard/shard-owner.ts'
import { assignedTo } from './assign-shards.ts'
import type { LiveReplicas } from './live-replicas.ts'

export interface ClaimLoopDeps {
  replicaId: string
  replicas: LiveReplicas
  /** Lists all existing shards. @throws when the broker does not answer */
  listShards: () => Promise<number[]>
  /** @returns null when the shard belongs to another replica @throws when the broker does not answer */
  take: (shard: number, live: readonly string[]) => Promise<StoredShard | null>
  makeOwner: (stored: StoredShard) => ShardOwner
  /** Called often with the shards owned here. */
  show(owners: ShardOwner[]): void
  everyMs: number
  log: Logger
}

interface Owned {
  owner: ShardOwner
  ended: Promise<void>
}

/** Limit for giving up the shards in their records; a broker that is away must not block a stop. */
const DROP_MAX_MS = 1_000

/** Writes this replica's heartbeats, and keeps it in possession of its share of the shards. */
export class ClaimLoop {
  readonly #deps: ClaimLoopDeps
  readonly #loop: IntervalLoop
  readonly #owned = new Map<number, Owned>()
  readonly #taking = new Map<number, Promise<void>>()
  #isLeaving = false

  constructor(deps: ClaimLoopDeps) {
    this.#deps = deps
    const round = () => this.#round()
    this.#loop = new IntervalLoop(deps.everyMs, round, (error) =>
      deps.log.warn({ err: error }, 'could not claim shards, will retry'),
    )
  }

  /** @throws when the broker does not answer */
  async start(): Promise<void> {
    await this.#round()
    await Promise.all(this.#taking.values())
    this.#loop.start()
  }

  get owners(): ShardOwner[] {
    return [...this.#owned.values()].map(({ owner }) => owner)
  }

  /**
   * Gives all shards back, and leaves. Until then heartbeats continue: no other replica may begin work that is
   * unfinished here.
   * @param graceMs time after which unfinished work is left to the next owner
   * @returns the last records of the owned shards
   */
  async stop(graceMs: number): Promise<ShardRecord[]> {
    this.#isLeaving = true
    await Promise.all(this.#taking.values())
    const owned = [...this.#owned.values()]
    for (const { owner } of owned) owner.giveBack()
    const allEnded = Promise.all(owned.map(({ ended }) => ended))
    const isInTime = await Promise.race([allEnded.then(() => true), sleep(graceMs).then(() => false)])
    if (!isInTime) {
      this.#deps.log.warn({ shards: [...this.#owned.keys()] }, 'stopped before all shards were given back')
      await Promise.race([Promise.all(owned.map(({ owner }) => owner.drop())), sleep(DROP_MAX_MS)])
    }
    await this.#loop.stop()
    await this.#deps.replicas.leave().catch(() => undefined)
    return owned.map(({ owner }) => owner.record)
  }

  async #round(): Promise<void> {
    const { replicaId, replicas, listShards } = this.#deps
    this.#deps.show(this.owners)
    await replicas.heartbeat(this.#isLeaving)
    const [{ live, staying }, shards] = await Promise.all([replicas.list(), listShards()])
    if (this.#isLeaving) return
    const mine = new Set(assignedTo(replicaId, staying, shards))
    for (const [shard, { owner }] of this.#owned) if (!mine.has(shard)) owner.giveBack()
    for (const shard of mine) {
      if (this.#owned.has(shard) || this.#taking.has(shard)) continue
      // Not awaited: the next heartbeat must not be late.
      this.#taking.set(
        shard,
        this.#take(shard, live).finally(() => this.#taking.delete(shard)),
      )
    }
  }

  async #take(shard: number, live: readonly string[]): Promise<void> {
    const { take, makeOwner, log } = this.#deps
    try {
      const stored = await take(shard, live)
      if (stored === null) return
      const owner = makeOwner(stored)
      const ended = owner.run().then(() => void this.#owned.delete(shard))
      this.#owned.set(shard, { owner, ended })
    } catch (error) {
      log.warn({ err: error, shard }, 'could not take a shard')
    }
  }
}
