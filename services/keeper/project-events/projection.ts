import { msOf } from '#shared/bus/broker-time.ts'
import type { Broker } from '#shared/bus/connection.ts'
import { StreamFeed } from '#shared/bus/feed.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Checkpoint, JobStore } from '#shared/stores/jobs/job-store.ts'
import type { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import { type Clock, isoTime, SECOND, sleep } from '#shared/time/clock.ts'
import { countApplied, type KeeperMetrics } from '../metrics.ts'
import type { TracedEnd } from '../send-callbacks/end-of-round.ts'
import { applyBatch } from './apply-batch.ts'
import { asOf, checkpointToOwn, isOtherLog, otherLog } from './checkpoint.ts'
import { SliceSize } from './slice-size.ts'

// States of a replica: *watching*, it reads the checkpoint twice a second and waits for the owner's heartbeat to stop;
// *owning*, it applies the log, moves the checkpoint and writes heartbeats. A takeover is a compare-and-set on the
// checkpoint. Two owners at once (one was frozen) are harmless: every write of a job is guarded by its version.

export interface ProjectionDeps {
  broker: Broker
  /** The log of jobs. */
  stream: Pick<Stream, 'state'>
  store: JobStore
  view: ProjectionView
  /** This replica's id, as the checkpoint names its owner. */
  replicaId: string
  /** Called before the checkpoint moves past the ends: when it throws, the batch is applied again. */
  onEnds(ends: TracedEnd[]): Promise<void>
  clock: Clock
  metrics: Pick<KeeperMetrics, 'unreadable' | 'ended' | 'crashes'>
  log: Logger
}

const WATCH_MS = 500
/** Time without a heartbeat after which an owner counts as dead. */
const OWNER_DEAD_MS = 2 * SECOND
const BEAT_MS = 500
const PAUSE_AFTER_ERROR_MS = 250
/**
 * Time in which the next batch collects events when the feed is nearly read: longer on a busy system, where a job's
 * events then cost one write instead of three, than on a quiet one, where the store should be fresh.
 */
const GATHER_MS = { quiet: 10, busy: 200 } as const
const BUSY_BATCH = 50
/** Most events that are read at once. */
const BATCH = 4_000
/** Only a pull that finds nothing shows that nothing is missing: short, so that lists are not taken for older than they are. */
const IDLE_MS = 300
/** Events behind a batch beyond which the next one is read at once. */
const BACKLOG = 1_000

export class Projection {
  readonly #deps: ProjectionDeps
  #stopped = false
  #loop: Promise<void> = Promise.resolve()
  #feed: StreamFeed | null = null
  /** The checkpoint as this owner last saved it; null while watching. */
  #owned: Checkpoint | null = null
  readonly #sliceSize = new SliceSize()
  /** How many events are not applied, and when the oldest of them was stored; null: there is none. */
  #behind: { messages: number; sinceMs: number | null } = { messages: 0, sinceMs: null }
  #seenBeat = { owner: '', beat: -1, sinceMs: 0 }

  constructor(deps: ProjectionDeps) {
    this.#deps = deps
  }

  get isOwner(): boolean {
    return this.#owned !== null
  }

  /** How far the store is behind the log; zeros where another replica applies it. */
  get lag(): { messages: number; seconds: number } {
    const { messages, sinceMs } = this.#behind
    if (sinceMs === null) return { messages: 0, seconds: 0 }
    return { messages, seconds: Math.max(0, this.#deps.clock.now() - sinceMs) / SECOND }
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** Gives up the ownership, so that another replica takes over at once. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#feed?.close()
    await this.#loop
    if (this.#owned === null) return
    await this.#save({ owner: '' }).catch(() => undefined)
    this.#owned = null
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (await this.#tryToOwn()) await this.#applyWhileOwner()
        else await sleep(WATCH_MS)
      } catch (error) {
        this.#owned = null
        this.#deps.log.warn({ err: error }, 'projection interrupted, will retry')
        await sleep(PAUSE_AFTER_ERROR_MS)
      }
    }
  }

  async #tryToOwn(): Promise<boolean> {
    const { store, view, replicaId } = this.#deps
    const seen = await store.readCheckpoint()
    view.update(seen)
    if (seen !== null && !this.#isAbandoned(seen)) {
      this.#behind = { messages: 0, sinceMs: null }
      return false
    }
    const state = await this.#deps.stream.state()
    const next = checkpointToOwn(seen, state, this.#deps.clock.now())
    const owned = { ...next, revision: (seen?.revision ?? 0) + 1, owner: replicaId, beat: (seen?.beat ?? 0) + 1 }
    if (!(await store.saveCheckpoint(owned, seen?.revision ?? 0))) return false
    this.#owned = owned
    view.update(owned)
    this.#deps.log.info({ generation: owned.generation, seq: owned.seq }, 'this replica now applies the log')
    return true
  }

  #isAbandoned(seen: Checkpoint): boolean {
    if (seen.owner === '' || seen.owner === this.#deps.replicaId) return true
    const now = this.#deps.clock.monotonic()
    if (seen.owner !== this.#seenBeat.owner || seen.beat !== this.#seenBeat.beat) {
      this.#seenBeat = { owner: seen.owner, beat: seen.beat, sinceMs: now }
      return false
    }
    return now - this.#seenBeat.sinceMs >= OWNER_DEAD_MS
  }

  /** Returns when another replica has become the owner, or on stop. */
  async #applyWhileOwner(): Promise<void> {
    while (!this.#stopped && this.#owned !== null) {
      try {
        // After every loss of the feed, the log may have been replaced.
        const state = await this.#deps.stream.state()
        if (isOtherLog(this.#owned, state)) {
          this.#deps.log.warn({ was: this.#owned.stream_created, is: state.created }, 'the log is new, starting over')
          if (!(await this.#save(otherLog(this.#owned, state, this.#deps.clock.now())))) return
        }
        this.#feed = await StreamFeed.open(this.#deps.broker, this.#owned.seq + 1)
        await this.#follow(this.#feed)
      } catch (error) {
        if (this.#stopped) return
        this.#deps.log.warn({ err: error }, 'could not apply events to the store, or lost their feed; trying again')
        await sleep(PAUSE_AFTER_ERROR_MS)
        await this.#save({})
      } finally {
        this.#feed?.close()
        this.#feed = null
      }
    }
  }

  async #follow(feed: StreamFeed): Promise<void> {
    const { clock } = this.#deps
    let savedAtMs = clock.monotonic()
    /** The end of the log before the feed was last seen idle. */
    let endOfLog = 0
    while (!this.#stopped && this.#owned !== null) {
      const askedAtMs = clock.now()
      const batch = await feed.next(BATCH, IDLE_MS)
      // A feed closed by the stop proves nothing by its silence.
      if (this.#stopped && batch.length === 0) return
      const last = batch.at(-1)
      if (!(await this.#applyInSlices(batch))) return
      // Nothing came: everything up to the end of the log before the question is applied, timers and triggers included.
      const seq = Math.max(this.#owned.seq, last?.seq ?? endOfLog)
      if (seq !== this.#owned.seq || clock.monotonic() - savedAtMs >= BEAT_MS) {
        if (!(await this.#save({ seq, ...asOf(last, askedAtMs) }))) return
        savedAtMs = clock.monotonic()
      }
      if (last === undefined) endOfLog = (await this.#deps.stream.state()).lastSeq
      else if (last.pending < BACKLOG) await sleep(batch.length < BUSY_BATCH ? GATHER_MS.quiet : GATHER_MS.busy)
    }
  }

  /** @returns false when this replica is no longer the owner */
  async #applyInSlices(batch: Delivery[]): Promise<boolean> {
    const { clock } = this.#deps
    const pending = batch.at(-1)?.pending ?? 0
    for (let start = 0; start < batch.length && this.#owned !== null; ) {
      const slice = batch.slice(start, start + this.#sliceSize.now)
      const [first, last] = [slice[0], slice.at(-1)]
      if (first === undefined || last === undefined) break
      if (this.#owned.seq === 0) this.#owned = { ...this.#owned, log_from: isoTime(msOf(first.storedNs)) }
      this.#behind = { messages: pending + batch.length - start, sinceMs: msOf(first.storedNs) }
      const startedMs = clock.monotonic()
      try {
        if (!(await this.#beatWhile(this.#apply(this.#owned, slice)))) return false
      } catch (error) {
        this.#sliceSize.onFailed(slice.length)
        throw error
      }
      this.#sliceSize.onWritten(clock.monotonic() - startedMs)
      start += slice.length
      if (start < batch.length && !(await this.#save({ seq: last.seq, ...asOf(last, 0) }))) return false
    }
    this.#behind = { messages: pending, sinceMs: pending === 0 ? null : this.#behind.sinceMs }
    return true
  }

  async #apply(owned: Checkpoint, messages: Delivery[]): Promise<void> {
    const { store, metrics, log } = this.#deps
    const onUnreadable = (seq: number) => {
      metrics.unreadable.inc()
      log.error({ seq }, 'could not read an event')
    }
    const applied = await applyBatch({ store, onUnreadable }, owned, messages)
    countApplied(metrics, applied)
    await this.#deps.onEnds(applied.ends)
  }

  /**
   * Writes heartbeats while a batch is applied: a store that takes seconds must not look like a dead owner, because the
   * next one would do the same work again, as slowly.
   * @returns false when this replica is no longer the owner
   */
  async #beatWhile(applying: Promise<void>): Promise<boolean> {
    const done = applying.then(() => true)
    // When a heartbeat fails first, nobody waits for this promise any more.
    done.catch(() => undefined)
    while (!(await Promise.race([done, sleep(BEAT_MS).then(() => false)]))) {
      if (await this.#save({})) continue
      await done
      return false
    }
    return true
  }

  /** @returns false when somebody else has moved the checkpoint: this replica is no longer the owner */
  async #save(change: Partial<Checkpoint>): Promise<boolean> {
    if (this.#owned === null) return false
    const next = { ...this.#owned, ...change, revision: this.#owned.revision + 1, beat: this.#owned.beat + 1 }
    if (!(await this.#deps.store.saveCheckpoint(next, this.#owned.revision))) {
      this.#deps.log.info('another replica now applies the log')
      this.#owned = null
      return false
    }
    this.#owned = next
    this.#deps.view.update(next)
    return true
  }
}
