import type { Broker } from '#shared/bus/connection.ts'
import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { Logger } from '#shared/process/logger.ts'
import { backoffMs } from '#shared/time/backoff.ts'
import { type Clock, isoTime, SECOND } from '#shared/time/clock.ts'
import { Signal } from '#shared/time/signal.ts'
import type { BatchHandler } from '../handlers/handler.ts'
import type { MessageStream } from '../message-stream.ts'
import type { IngestMetrics } from '../metrics.ts'
import type { AttemptEnd } from '../plan/commit-batches.ts'
import { nextRecord, type PoolSettings, plannedSince } from '../plan/next-record.ts'
import { workerId } from '../plan/worker-ids.ts'
import { attemptBatch } from './attempt-batch.ts'
import type { DeadLetters } from './dead-letters.ts'
import { MessageReader } from './message-reader.ts'
import { Ownership, type ShardRecords, type StoredShard } from './ownership.ts'
import { type BatchRun, WorkerQueues } from './worker-queues.ts'

// States of a shard at its owner: *working*; *giving back*, the planned batches are finished and the record then has no
// owner; *lost*, another replica wrote the record: the result of the work here no longer matters, and all of it ends.

export interface ShardOwnerSettings extends PoolSettings {
  maxWaitMs: number
  workerIdleMs: number
  timeoutMs: number
  attemptsMax: number
  backoffMs: number
  leaseMs: number
}

export interface ShardOwnerDeps {
  broker: Broker
  records: ShardRecords
  handler: BatchHandler
  deadLetters: DeadLetters
  messages: MessageStream
  metrics: IngestMetrics
  clock: Clock
  random: () => number
  log: Logger
}

const BACKOFF_MAX_MS = 30 * SECOND
const JITTER = 0.2
/** Longest pause between two looks at the pool, even when nothing happens. */
const LOOK_AT_LEAST_EVERY_MS = SECOND
/** Number of batches per worker that are read ahead. */
const READ_AHEAD = 4
const READ_AHEAD_MIN = 200

/** One shard while this replica owns it: its reader, its workers, and its record, which is written only here. */
export class ShardOwner {
  readonly #deps: ShardOwnerDeps
  readonly #settings: ShardOwnerSettings
  readonly #ownership: Ownership
  readonly #reader: MessageReader
  readonly #queues: WorkerQueues
  readonly #news = new Signal()
  #ends: AttemptEnd[] = []
  #state: 'working' | 'planning the last' | 'giving back' = 'working'

  constructor(deps: ShardOwnerDeps, settings: ShardOwnerSettings, stored: StoredShard) {
    this.#deps = deps
    this.#settings = settings
    const { clock, log, records } = deps
    const onNews = () => this.#news.raise()
    this.#ownership = new Ownership({ records, clock, leaseMs: settings.leaseMs, onNews }, stored)
    this.#reader = new MessageReader({
      broker: deps.broker,
      record: stored.record,
      bufferMax: Math.max(READ_AHEAD * settings.batchSize * settings.workersMax, READ_AHEAD_MIN),
      onAdopted: (run) => this.#queues.add(run),
      onMessages: onNews,
      messages: deps.messages,
      renew: () => this.#ownership.renew(),
      onLost: (error) => this.#ownership.lose(error),
      clock,
      log,
    })
    this.#queues = new WorkerQueues({
      attempt: (run) => this.#attempt(run),
      onEnd: (end) => {
        this.#ends.push(end)
        this.#news.raise()
      },
      pauseMs: (failed) => this.#pauseMs(failed),
      clock,
    })
  }

  get record(): ShardRecord {
    return this.#ownership.record
  }

  get waiting(): number {
    return this.#reader.waitingCount
  }

  /** Runs the shard until it is given back, or lost. Never rejects. */
  async run(): Promise<void> {
    const { log, handler } = this.#deps
    const { shard } = this.record
    try {
      await handler
        .prepare?.(shard)
        .catch((error: unknown) => log.warn({ err: error, shard }, 'could not prepare the handler for a shard'))
      this.#reader.start()
      await this.#keepRecord()
      log.info({ shard }, 'shard given back')
    } catch (error) {
      log.warn({ err: error, shard }, 'shard lost')
    } finally {
      this.#reader.stop()
      this.#queues.stop()
      this.#ownership.lose(new Error('the shard was given back'))
    }
  }

  /** Stops reading, plans as many batches as there is room for, finishes the planned ones, and lets go of the shard. */
  giveBack(): void {
    if (this.#state !== 'working') return
    this.#state = 'planning the last'
    this.#reader.stop()
    this.#queues.finish()
    this.#news.raise()
  }

  /**
   * Lets go of the shard at once. Open batches stay open, and the next owner need not blame them for a death. Never
   * rejects.
   */
  async drop(): Promise<void> {
    this.#reader.stop()
    this.#queues.stop()
    await this.#ownership.letGo().catch(() => undefined)
    this.#ownership.lose(new Error('dropped'))
  }

  /** Writes the record, one write at a time; each carries everything that has come together during the one before. */
  async #keepRecord(): Promise<void> {
    for (;;) {
      this.#ownership.throwIfLost()
      const before = this.record
      const next = this.#decide()
      if (next !== before || this.#ownership.isAskedFor) {
        await this.#ownership.write(next)
        for (const batch of plannedSince(before, next)) {
          this.#queues.add({ batch, messages: this.#reader.take(batch.count) })
        }
      } else if (this.#state === 'giving back' && this.#queues.isQuiet) break
      else await this.#news.waitFor(this.#nextLookMs())
    }
    await this.#ownership.letGo()
  }

  #decide(): ShardRecord {
    const { clock } = this.#deps
    const { waiting } = this.#reader
    const isLast = this.#state === 'planning the last'
    const record = nextRecord(
      this.record,
      {
        ends: this.#ends.splice(0),
        waiting:
          this.#state === 'giving back'
            ? null
            : { seqs: waiting.map(({ seq }) => seq), due: isLast ? waiting.length : this.#dueCount() },
        loads: this.#queues.loads(),
        lastWorkerIsIdle: this.#idleMsOfLast() >= this.#settings.workerIdleMs,
        at: isoTime(clock.now()),
      },
      this.#settings,
    )
    if (isLast) this.#state = 'giving back'
    const lastPlanned = waiting.find(({ seq }) => seq === record.planned_seq)
    return lastPlanned === undefined ? record : { ...record, planned_ns: lastPlanned.storedNs }
  }

  #dueCount(): number {
    const since = this.#deps.clock.monotonic() - this.#settings.maxWaitMs
    const { waiting, isFull } = this.#reader
    // The buffer is full: these messages will never make up a full batch.
    if (isFull && waiting.length < this.#settings.batchSize) return waiting.length
    const notDue = waiting.findIndex(({ arrivedMs }) => arrivedMs > since)
    return notDue === -1 ? waiting.length : notDue
  }

  #idleMsOfLast(): number {
    const { shard, pool } = this.record
    return this.#queues.idleMs(workerId(shard, pool - 1))
  }

  #nextLookMs(): number {
    const [oldest] = this.#reader.waiting
    if (oldest === undefined) return LOOK_AT_LEAST_EVERY_MS
    const dueInMs = oldest.arrivedMs + this.#settings.maxWaitMs - this.#deps.clock.monotonic()
    // Due already: the batch waits for a worker, which reports when it is free.
    return dueInMs > 0 ? Math.min(Math.ceil(dueInMs), LOOK_AT_LEAST_EVERY_MS) : LOOK_AT_LEAST_EVERY_MS
  }

  async #attempt(run: BatchRun): Promise<AttemptEnd> {
    const { clock, handler, deadLetters, log, metrics } = this.#deps
    const { shard } = this.record
    const startedMs = clock.monotonic()
    const end = await attemptBatch(
      {
        shard,
        handler,
        deadLetters,
        leaseMs: this.#settings.leaseMs,
        timeoutMs: this.#settings.timeoutMs,
        attemptsMax: this.#settings.attemptsMax,
        confirmOwned: () => this.#ownership.confirm(),
        lost: this.#ownership.lost,
        log,
      },
      run,
    ).catch((error: unknown): AttemptEnd => {
      // Once the shard is lost nobody uses what is reported here.
      if (!this.#ownership.lost.aborted) log.error({ err: error, shard, batch: run.batch.batch }, 'batch interrupted')
      return { batch: run.batch.batch, done: 0, dead: 0, left: run.messages.map(({ seq }) => seq) }
    })
    if (!this.#ownership.lost.aborted) metrics.attempted(shard, run.batch.worker, end, clock.monotonic() - startedMs)
    return end
  }

  #pauseMs(failed: number): number {
    const backoff = {
      kind: 'exponential' as const,
      base_ms: this.#settings.backoffMs,
      max_ms: BACKOFF_MAX_MS,
      jitter: JITTER,
    }
    return backoffMs(backoff, failed, this.#deps.random())
  }
}
