import type { Broker } from '#shared/bus/connection.ts'
import { StreamFeed } from '#shared/bus/feed.ts'
import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import { MESSAGES_STREAM, receivedSubject, shardFeed } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'
import { Signal } from '#shared/time/signal.ts'
import type { MessageStream } from '../message-stream.ts'
import { AdoptedBatches } from './adopted-batches.ts'
import type { RawMessage } from './raw-message.ts'
import { LostShardError } from './run-until.ts'
import type { BatchRun } from './worker-queues.ts'

export interface MessageReaderDeps {
  broker: Broker
  /** The record when the shard was taken. */
  record: ShardRecord
  /** Largest number of messages that wait here. */
  bufferMax: number
  messages: MessageStream
  onAdopted(run: BatchRun): void
  onMessages(): void
  /** Writes the record now. @throws LostShardError */
  renew(): Promise<void>
  onLost(error: unknown): void
  clock: Clock
  log: Logger
}

/** Bytes of one shard's messages that are held in memory. */
const WAITING_MAX_BYTES = 8 * 1024 * 1024
const READ_MAX = 500
const PAUSE_AFTER_ERROR_MS = 250
/** Shorter than the time after which the broker forgets a feed without pulls. */
const FULL_MAX_MS = 10 * SECOND

/** Reads a shard's messages in order and without gap, from the first unprocessed one, and holds them until taken. */
export class MessageReader {
  readonly #deps: MessageReaderDeps
  readonly #adopted: AdoptedBatches
  readonly #room = new Signal()
  #waiting: RawMessage[] = []
  #waitingBytes = 0
  /** Number of messages at the broker behind those that were read. */
  #behind = 0
  #readSeq: number
  #readNs: string | undefined
  #stopped = false
  #feed: StreamFeed | null = null

  constructor(deps: MessageReaderDeps) {
    this.#deps = deps
    this.#adopted = new AdoptedBatches(deps.record.open)
    const [first] = deps.record.open
    this.#readSeq = first === undefined ? deps.record.planned_seq : first.from_seq - 1
    this.#readNs = first === undefined ? deps.record.planned_ns : undefined
  }

  /** Messages that are in no batch yet, in order. */
  get waiting(): readonly RawMessage[] {
    return this.#waiting
  }

  /** Number of waiting messages, including unread ones as far as the broker has reported them. */
  get waitingCount(): number {
    return this.#waiting.length + this.#behind
  }

  /** Whether nothing more is read before some messages are taken, however few they are. */
  get isFull(): boolean {
    return this.#waitingBytes > WAITING_MAX_BYTES
  }

  take(count: number): RawMessage[] {
    const taken = this.#waiting.slice(0, count)
    for (const { body } of taken) this.#waitingBytes -= body.length
    this.#waiting = this.#waiting.slice(count)
    this.#room.raise()
    return taken
  }

  start(): void {
    this.#run().catch((error: unknown) => this.#deps.onLost(error))
  }

  stop(): void {
    this.#stopped = true
    this.#feed?.close()
    this.#room.raise()
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#roomLeft() === 0) {
        await this.#room.waitFor(FULL_MAX_MS)
        continue
      }
      try {
        await this.#follow()
      } catch (error) {
        if (this.#stopped) return
        if (error instanceof LostShardError) throw error
        this.#deps.log.warn(
          { err: error, shard: this.#deps.record.shard },
          'lost the feed of messages, opening another',
        )
        await sleep(PAUSE_AFTER_ERROR_MS)
        // A replica that was frozen must not take the feed from the shard's current owner.
        await this.#deps.renew()
      } finally {
        this.#feed?.close()
      }
    }
  }

  /** Follows the feed. Returns when stopped, or when there was no room for a long time. */
  async #follow(): Promise<void> {
    const { broker, messages, record } = this.#deps
    // The next messages would get sequences that were read already: a new owner of the shard checks that twice.
    if ((await messages.lastSeq()) < this.#readSeq)
      throw new LostShardError('the stream ends before what was read from it')
    const rewritten = await messages.findRewrittenTail(record.shard, this.#readSeq, this.#readNs)
    if (rewritten !== null) throw new LostShardError('the stream ended before what was read from it, and grew again')
    this.#feed = await StreamFeed.open(broker, this.#readSeq + 1, {
      stream: MESSAGES_STREAM,
      consumer: shardFeed(record.shard),
      filter: receivedSubject(record.shard),
    })
    while (!this.#stopped) {
      const room = this.#roomLeft()
      if (room > 0) await this.#read(this.#feed, room)
      else if (!(await this.#room.waitFor(FULL_MAX_MS))) return
    }
  }

  async #read(feed: StreamFeed, room: number): Promise<void> {
    const deliveries = await feed.next(room)
    if (this.#stopped) return
    const arrivedMs = this.#deps.clock.monotonic()
    for (const { seq, storedNs, body, pending } of deliveries) {
      const message = { seq, storedNs, body, arrivedMs }
      if (seq > this.#deps.record.planned_seq) {
        this.#waiting.push(message)
        this.#waitingBytes += body.length
      } else this.#adopted.add(message)
      this.#readSeq = seq
      this.#readNs = storedNs
      this.#behind = pending
    }
    if (!this.#adopted.isEmpty) {
      const isSilent = deliveries.length === 0
      if (isSilent) await this.#checkSilence()
      this.#giveAdopted(isSilent)
    }
    if (deliveries.length > 0) this.#deps.onMessages()
  }

  /**
   * Checks that silence is real: the feed may come from a node that is behind, which does not have the next message
   * yet.
   */
  async #checkSilence(): Promise<void> {
    const { messages, record } = this.#deps
    const next = await messages.firstFrom(record.shard, this.#readSeq + 1)
    if (next !== null && next <= record.planned_seq) throw new Error('the feed is behind the stream')
  }

  /**
   * Hands adopted batches on. Silence means that everything was read: messages missing from a batch were then removed
   * from the stream by hand.
   */
  #giveAdopted(isSilent: boolean): void {
    const whole = this.#adopted.takeUpTo(isSilent ? this.#deps.record.planned_seq : this.#readSeq)
    for (const run of whole) {
      const { batch, messages } = run
      const count = batch.left?.length ?? batch.count
      if (messages.length < count) {
        this.#deps.log.error(
          { shard: this.#deps.record.shard, batch: batch.batch, missing: count - messages.length },
          'messages of a batch are gone from the stream',
        )
      }
      this.#deps.onAdopted(run)
    }
  }

  /**
   * Number of messages to request, 0 until half of the buffer is free: requesting few at a time costs as much as many.
   */
  #roomLeft(): number {
    if (this.isFull) return 0
    const room = this.#deps.bufferMax - this.#waiting.length
    return room >= this.#deps.bufferMax / 2 ? Math.min(room, READ_MAX) : 0
  }
}
