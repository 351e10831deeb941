import { AckPolicy, DeliverPolicy, type JetStreamManager, jetstreamManager, type PurgeOpts } from '@nats-io/jetstream'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { newShortId } from '#shared/ids/ids.ts'
import { SECOND } from '#shared/time/clock.ts'
import { CONSUMER_NOT_FOUND, found, MILLISECOND_NS } from './broker-codes.ts'
import { brokerTime } from './broker-time.ts'
import type { Broker } from './connection.ts'
import { type Batch, directGet } from './direct-get.ts'
import { getMessage, type StreamMessage } from './get-message.ts'
import { readVersions, type Versions, type VersionsQuery } from './read-versions.ts'

export interface StreamState {
  firstSeq: number
  lastSeq: number
  /** When the stream was created, ISO 8601: another value means another stream. */
  created: string
  bytes: number
  messages: number
  /** Number of subjects with a message: in the log, one for each event name of each job. */
  subjects: number
}

/** How far a consumer has come. */
export interface ConsumerFloor {
  pending: number
  ackPending: number
  /** Every message of the consumer at or below this sequence was delivered and acked. */
  ackFloor: number
}

export interface BatchQuery {
  filter: string
  fromSeq: number
  limit: number
}

/** Purging a large stream takes a while. */
const MANAGE_TIMEOUT_MS = 5 * SECOND
/** Replicas list subjects all the time to see which workers live: a lost answer must not cost them their turn. */
const SUBJECTS_TIMEOUT_MS = 1_500
/** Above the largest message, so that every batch makes progress. */
const BATCH_MAX_BYTES = 4 * 1024 * 1024

/**
 * One stream of the broker: reads its content and removes from it. Single messages come from the stream's leader, so
 * they are never stale, even right after an ack on a cluster; batches come from any replica, which may lag. Every
 * method throws when the broker does not answer.
 */
export class Stream {
  readonly name: string
  readonly #broker: Broker

  /** @param name the log of jobs where it is left out */
  constructor(broker: Broker, name: string = JOBS_STREAM) {
    this.#broker = broker
    this.name = name
  }

  atSequence(seq: number): Promise<StreamMessage | null> {
    return getMessage(this.#broker, this.name, { seq })
  }

  /** The last message on a subject or filter. */
  lastOf(filter: string): Promise<StreamMessage | null> {
    return getMessage(this.#broker, this.name, { last_by_subj: filter })
  }

  /** The first message on a filter at or after a sequence. */
  nextOf(filter: string, fromSeq: number): Promise<StreamMessage | null> {
    return getMessage(this.#broker, this.name, { seq: fromSeq, next_by_subj: filter })
  }

  /** The first message on a filter that was stored after a time. @param ns nanoseconds since 1970 */
  nextStoredAfter(filter: string, ns: string): Promise<StreamMessage | null> {
    return getMessage(this.#broker, this.name, { start_time: brokerTime(BigInt(ns) + 1n), next_by_subj: filter })
  }

  /** The next messages on a filter at or after a sequence, in one request. The stream must allow direct reads. */
  readBatch({ filter, fromSeq, limit }: BatchQuery): Promise<Batch> {
    const query = { seq: fromSeq, next_by_subj: filter, batch: limit, max_bytes: BATCH_MAX_BYTES }
    return directGet(this.#broker, this.name, query)
  }

  /**
   * The last message of each subject that a filter matches, in the order of the stream. Where there are few subjects
   * this costs the broker far less than `readBatch`, which counts the messages behind. The stream must allow direct
   * reads.
   */
  async lastOfEach(filter: string): Promise<Batch['messages']> {
    return (await directGet(this.#broker, this.name, { multi_last: [filter] })).messages
  }

  /** The messages at or after a sequence, without their bodies. */
  versionsFrom(query: VersionsQuery): Promise<Versions> {
    return readVersions(this.#broker, this.name, query)
  }

  async state(): Promise<StreamState> {
    const { state, created } = await (await this.#manager()).streams.info(this.name)
    return {
      firstSeq: state.first_seq,
      lastSeq: state.last_seq,
      created,
      bytes: state.bytes,
      messages: state.messages,
      subjects: state.num_subjects ?? 0,
    }
  }

  /** The subjects that a filter matches, each with the number of its messages. */
  async countBySubject(filter: string): Promise<Map<string, number>> {
    const manager = await this.#manager(SUBJECTS_TIMEOUT_MS)
    const { state } = await manager.streams.info(this.name, { subjects_filter: filter })
    return new Map(Object.entries(state.subjects ?? {}))
  }

  /** The number of messages on the filters at or after a sequence: the broker reports it when a consumer is created. */
  async countFrom(filters: string[], seq: number): Promise<number> {
    const manager = await this.#manager()
    const name = `count-${newShortId()}`
    const { num_pending: count } = await manager.consumers.add(this.name, {
      name,
      filter_subjects: filters,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, seq),
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: 5 * SECOND * MILLISECOND_NS,
    })
    // The broker forgets the consumer by itself if this fails.
    await manager.consumers.delete(this.name, name).catch(() => undefined)
    return count
  }

  /** @returns null where there is no such consumer */
  async consumerFloor(consumer: string): Promise<ConsumerFloor | null> {
    const manager = await this.#manager()
    const info = await found(() => manager.consumers.info(this.name, consumer), CONSUMER_NOT_FOUND)
    if (info === null) return null
    const { num_pending: pending, num_ack_pending: ackPending, ack_floor: floor } = info
    return { pending, ackPending, ackFloor: floor.stream_seq }
  }

  /**
   * Removes messages: those on the filter, those below the sequence, or those that match both.
   * @returns how many
   */
  async purge({ filter, below }: { filter?: string; below?: number }): Promise<number> {
    const which = { ...(filter === undefined ? {} : { filter }), ...(below === undefined ? {} : { seq: below }) }
    const { purged } = await (await this.#manager()).streams.purge(this.name, which as PurgeOpts)
    return purged
  }

  #manager(timeout = MANAGE_TIMEOUT_MS): Promise<JetStreamManager> {
    return jetstreamManager(this.#broker.nc, { checkAPI: false, timeout })
  }
}
