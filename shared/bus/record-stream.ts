import { jetstreamManager } from '@nats-io/jetstream'
import { newNonce } from '#shared/ids/ids.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { Broker } from './connection.ts'
import { type LogMessage, LogReader } from './log-reader.ts'
import { Publisher } from './publisher.ts'
import type { WriteProbe } from './write-probe.ts'

export interface RecordStreamState {
  /** When the stream was made, ISO: another value is another stream. */
  created: string
  lastSeq: number
  /** How many records there are. */
  count: number
  bytes: number
}

export interface RecordWrite {
  subject: string
  body: string
  /** What the record must be now; 0: there is none. */
  afterSeq: number
  /** The broker forgets it after so many seconds; undefined: never. The stream must allow it. */
  keptForS?: number | undefined
}

const MANAGE_TIMEOUT_MS = 1_500
const WRITES_IN_FLIGHT = 1_000

/** A stream that keeps the last message of each subject: small records, written by compare-and-set. */
export class RecordStream {
  readonly #broker: Broker
  readonly #stream: string
  readonly #reader: LogReader
  readonly #publisher: Publisher

  /** @param probe of a stream on the same disk */
  constructor(broker: Broker, stream: string, clock: Clock, probe?: WriteProbe) {
    this.#broker = broker
    this.#stream = stream
    this.#reader = new LogReader(broker.nc, stream)
    // Of its own, because after an unanswered write it looks into this stream for what was stored.
    this.#publisher = new Publisher({
      broker,
      reader: this.#reader,
      clock,
      maxInFlight: WRITES_IN_FLIGHT,
      groupCommit: false,
      probe,
    })
  }

  /** @throws when the broker does not answer */
  read(subject: string): Promise<LogMessage | null> {
    return this.#reader.lastOf(subject)
  }

  /**
   * The first record at or after a sequence.
   * @throws when the broker does not answer
   */
  nextFrom(filter: string, seq: number): Promise<LogMessage | null> {
    return this.#reader.nextOf(filter, seq)
  }

  /**
   * @returns its new sequence; null when somebody else was faster
   * @throws AppError `unavailable` when there is no verdict by the deadline
   */
  async write(record: RecordWrite, deadlineMs: number): Promise<number | null> {
    const { subject, body, afterSeq, keptForS } = record
    const result = await this.#publisher.publish(
      {
        subject,
        body,
        nonce: newNonce(),
        jobId: subject,
        expect: { seq: afterSeq, filter: subject },
        ...(keptForS === undefined ? {} : { headers: { 'Nats-TTL': `${keptForS}s` } }),
      },
      { deadlineMs },
    )
    return result.kind === 'stored' ? result.seq : null
  }

  /**
   * @param subject also a filter: all that it means goes
   * @param seq what the record must be now
   * @returns false when somebody else was faster
   * @throws when the broker does not answer
   */
  async remove(subject: string, seq: number): Promise<boolean> {
    const manager = await this.#manager()
    // Up to the sequence alone: what is written meanwhile stays.
    const { purged } = await manager.streams.purge(this.#stream, { filter: subject, seq: seq + 1 })
    return purged > 0
  }

  /**
   * Of all records that a filter means.
   * @throws when the broker does not answer
   */
  async subjects(filter: string): Promise<string[]> {
    const { state } = await (await this.#manager()).streams.info(this.#stream, { subjects_filter: filter })
    return Object.keys(state.subjects ?? {})
  }

  /** @throws when the broker does not answer */
  async state(): Promise<RecordStreamState> {
    const { state, created } = await (await this.#manager()).streams.info(this.#stream)
    return { created, lastSeq: state.last_seq, count: state.messages, bytes: state.bytes }
  }

  close(): void {
    this.#publisher.close()
  }

  #manager() {
    return jetstreamManager(this.#broker.nc, { checkAPI: false, timeout: MANAGE_TIMEOUT_MS })
  }
}
