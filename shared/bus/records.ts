import { AppError } from '#shared/errors/app-error.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { Broker } from './connection.ts'
import type { StreamMessage } from './get-message.ts'
import { Publisher } from './publisher.ts'
import { type BatchQuery, Stream, type StreamState } from './stream.ts'
import type { WriteProbe } from './write-probe.ts'

/** A record at the broker, and the sequence that its next write compares with. */
export interface Stored<T> {
  subject: string
  seq: number
  record: T
  /** Its size as it is stored. */
  bytes: number
}

export interface RecordBatch<T> {
  /** In the order of the stream. */
  records: Stored<T>[]
  /** Whether there are more records behind the last one. */
  isMore: boolean
}

export interface RecordKind<T, Key> {
  stream: string
  /** Subject of a key. A key may also mean several records: then its subject has a wildcard. */
  subjectOf(key: Key): string
  parse(body: string): T
  /** JSON by default. */
  stringify?(record: T): string
}

export interface RecordsOptions {
  broker: Broker
  clock: Clock
  /** Tells whether the broker can store anything on the stream's disk. */
  probe?: WriteProbe
  /** Commit writes in groups: for brokers that sync every write. The stream must allow it (`allow_atomic`). */
  groupCommit?: boolean
}

export interface WriteOptions {
  /** The sequence of the record now; 0: there is none. */
  afterSeq: number
  /** Seconds after which the broker forgets the record; never by default. The stream must allow it. */
  keptForS?: number
  /** Milliseconds until the write gives up; Infinity: never. */
  deadlineMs?: number
  /** Largest size of the record as it is stored, in bytes; by default the broker's. */
  maxBytes?: number
}

const WRITES_IN_FLIGHT = 1_000

/**
 * Small records, one message each, in a stream that keeps the last message of every subject: read by key, written by
 * compare-and-set. Every method throws when the broker does not answer; reading also throws what `parse` throws.
 */
export class Records<T, Key> {
  readonly #kind: RecordKind<T, Key>
  readonly #stream: Stream
  readonly #publisher: Publisher

  constructor(kind: RecordKind<T, Key>, { broker, clock, probe, groupCommit = false }: RecordsOptions) {
    this.#kind = kind
    this.#stream = new Stream(broker, kind.stream)
    // A publisher looks into its own stream to see what became of an unanswered write.
    this.#publisher = new Publisher({
      broker,
      stream: this.#stream,
      clock,
      maxInFlight: WRITES_IN_FLIGHT,
      groupCommit,
      probe,
    })
  }

  /** The record; for a key that means several, the one written last. */
  async read(key: Key): Promise<Stored<T> | null> {
    return this.#stored(await this.#stream.lastOf(this.#kind.subjectOf(key)))
  }

  /** The first of the records on a filter that was written at or after a sequence. */
  async nextFrom(filter: string, seq: number): Promise<Stored<T> | null> {
    return this.#stored(await this.#stream.nextOf(filter, seq))
  }

  /**
   * The next records on a filter that were written at or after a sequence, in one request. They come from any replica,
   * which may lag. The stream must allow direct reads.
   */
  async readBatch(query: BatchQuery): Promise<RecordBatch<T>> {
    const { messages, isMore } = await this.#stream.readBatch(query)
    return { records: messages.map((message) => this.#toStored(message)), isMore }
  }

  /**
   * @returns null when somebody else was faster
   * @throws AppError `unavailable` when there is no verdict by the deadline, `payload-too-large`
   */
  async write(key: Key, record: T, options: WriteOptions): Promise<Stored<T> | null> {
    const { afterSeq, keptForS, deadlineMs, maxBytes = Number.POSITIVE_INFINITY } = options
    const subject = this.#kind.subjectOf(key)
    const body = this.#kind.stringify?.(record) ?? JSON.stringify(record)
    const bytes = Buffer.byteLength(body)
    if (bytes > maxBytes) throw new AppError('payload-too-large', "The record would exceed the broker's message limit.")
    const result = await this.#publisher.publish(
      {
        subject,
        body,
        nonce: newNonce(),
        conflictKey: subject,
        expect: { seq: afterSeq, filter: subject },
        ...(keptForS === undefined ? {} : { keptForS }),
      },
      deadlineMs === undefined ? {} : { deadlineMs },
    )
    return result.kind === 'stored' ? { subject, seq: result.seq, record, bytes } : null
  }

  /**
   * Removes the record, or all that the key means, up to a sequence: records written later stay.
   * @returns false when nothing was removed because somebody else was faster
   */
  async remove(key: Key, seq: number): Promise<boolean> {
    return (await this.#stream.purge({ filter: this.#kind.subjectOf(key), below: seq + 1 })) > 0
  }

  /** The subjects of all records on a filter. */
  async subjects(filter: string): Promise<string[]> {
    return [...(await this.#stream.countBySubject(filter)).keys()]
  }

  state(): Promise<StreamState> {
    return this.#stream.state()
  }

  close(): void {
    this.#publisher.close()
  }

  #stored(message: StreamMessage | null): Stored<T> | null {
    return message === null ? null : this.#toStored(message)
  }

  #toStored({ subject, seq, body }: Pick<StreamMessage, 'subject' | 'seq' | 'body'>): Stored<T> {
    return { subject, seq, record: this.#kind.parse(body), bytes: Buffer.byteLength(body) }
  }
}
