import { brokerTime } from '#shared/bus/broker-time.ts'
import type { Stream } from '#shared/bus/stream.ts'
import { ALL_RECEIVED, receivedSubject } from '#shared/contracts/log/subjects.ts'

const [RECEIVED_PREFIX] = ALL_RECEIVED.split('*')

/** The stream of messages as its shards see it. Every method throws when the broker does not answer. */
export class MessageStream {
  readonly #stream: Pick<Stream, 'atSequence' | 'nextOf' | 'nextStoredAfter' | 'state' | 'countBySubject' | 'purge'>

  constructor(stream: Stream) {
    this.#stream = stream
  }

  async lastSeq(): Promise<number> {
    return (await this.#stream.state()).lastSeq
  }

  /** The first sequence of a shard at or after one, as the stream's leader knows it; null: none. */
  async firstFrom(shard: number, seq: number): Promise<number | null> {
    return (await this.#stream.nextOf(receivedSubject(shard), seq))?.seq ?? null
  }

  /**
   * Whether the stream lost its end and has grown again since a shard's message was stored: new messages then have the
   * sequences of lost ones.
   * @param seq the message's sequence
   * @param storedNs when the message was stored, nanoseconds since 1970; undefined: not known, and nothing is found
   * @returns the first of the shard's new messages at or below that sequence
   */
  async findRewrittenTail(shard: number, seq: number, storedNs: string | undefined): Promise<number | null> {
    if (storedNs === undefined) return null
    // First, because it is right whatever the broker's clock did. The message of a finished batch may have been
    // removed.
    const there = await this.#stream.atSequence(seq)
    if (there?.time === brokerTime(BigInt(storedNs))) return null
    const next = await this.#stream.nextStoredAfter(receivedSubject(shard), storedNs)
    return next !== null && next.seq <= seq ? next.seq : null
  }

  /** The shards that messages go to now, and those with messages from a time when there were more shards. */
  async shards(count: number): Promise<number[]> {
    const filled = [...(await this.#stream.countBySubject(ALL_RECEIVED)).keys()]
    const known = filled.map((subject) => Number(subject.slice(RECEIVED_PREFIX?.length)))
    return [...new Set([...Array.from({ length: count }, (_, shard) => shard), ...known])]
  }

  /** Removes a shard's messages below a sequence. */
  async purgeBelow(shard: number, seq: number): Promise<void> {
    await this.#stream.purge({ filter: receivedSubject(shard), below: seq })
  }
}
