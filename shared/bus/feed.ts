import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream'
import { ALL_HISTORY, JOBS_STREAM, PROJECTION } from '#shared/contracts/log/subjects.ts'
import { MINUTE } from '#shared/time/clock.ts'
import { CONSUMER_NOT_FOUND, MILLISECOND_NS } from './broker-codes.ts'
import type { Broker } from './connection.ts'
import { ConsumerPuller, type Delivery } from './puller.ts'

/** The source of a feed, and the name of the one consumer that reads it. */
export interface FeedSource {
  stream: string
  consumer: string
  filter: string
}

const JOB_HISTORY: FeedSource = { stream: JOBS_STREAM, consumer: PROJECTION, filter: ALL_HISTORY }

/**
 * Time without a pull after which the broker forgets a feed: longer than a slow store takes for a batch. A feed that is
 * left costs the broker little, and there is only one.
 */
const INACTIVE_MS = 10 * MINUTE
const WAIT_MS = 1_000
const BATCH = 4_000
/** Bytes of a batch, which are held in memory together; above the largest message. */
const BATCH_BYTES = 16 * 1024 * 1024

/**
 * All messages of a source (the history events of the log, unless another one is given) in the stream's order, from a
 * sequence on, in batches as they come. The feed has no state at the broker worth keeping: after a loss a new feed
 * starts where the reader was. There is one at a time, under one name, so that the broker can allow the keeper this
 * consumer and no other: a reader that opens the feed takes it from the previous one, which finds it gone or sees a gap
 * in its count.
 */
export class StreamFeed {
  readonly #puller: ConsumerPuller
  readonly #broker: Broker
  readonly #source: FeedSource
  /** When the broker created this feed's consumer: another time means another reader's consumer under the same name. */
  readonly #created: string
  #lastConsumerSeq = 0

  private constructor(broker: Broker, source: FeedSource, created: string) {
    this.#broker = broker
    this.#source = source
    this.#created = created
    this.#puller = new ConsumerPuller(broker, source.stream)
  }

  /** @param fromSeq the first sequence wanted */
  static async open(broker: Broker, fromSeq: number, source: FeedSource = JOB_HISTORY): Promise<StreamFeed> {
    const { stream, consumer, filter } = source
    const manager = await jetstreamManager(broker.nc, { checkAPI: false })
    await manager.consumers.delete(stream, consumer).catch((error: unknown) => {
      if (!(error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND)) throw error
    })
    const { created } = await manager.consumers.add(stream, {
      name: consumer,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: Math.max(1, fromSeq),
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: INACTIVE_MS * MILLISECOND_NS,
    })
    return new StreamFeed(broker, source, created)
  }

  /**
   * The next messages, in order; empty after `waitMs` without any.
   * @param limit how many at most
   * @throws when the feed is lost or has a gap: open another one
   */
  async next(limit = BATCH, waitMs = WAIT_MS): Promise<Delivery[]> {
    const batch: Delivery[] = []
    const { end } = await this.#puller.pull({
      consumer: this.#source.consumer,
      batch: Math.min(limit, BATCH),
      waitMs,
      maxBytes: BATCH_BYTES,
      onDelivery: (delivery) => batch.push(delivery),
    })
    for (const delivery of batch) {
      if (delivery.consumerSeq !== this.#lastConsumerSeq + 1) throw new Error('the feed has a gap')
      this.#lastConsumerSeq = delivery.consumerSeq
    }
    if (end === 'gone' && batch.length === 0) throw new Error('the feed is gone')
    await this.#checkWhole(batch.length === 0)
    return batch
  }

  /**
   * Checks that the consumer is still ours: if it is after the batch came, it was all along. A reader that was frozen
   * while another took over must not apply what it pulled from the other's consumer. Messages that were sent on a
   * connection that broke are lost, and the broker counts them as delivered: so silence is no proof either.
   */
  async #checkWhole(silent: boolean): Promise<void> {
    const manager = await jetstreamManager(this.#broker.nc, { checkAPI: false })
    const { created, delivered } = await manager.consumers.info(this.#source.stream, this.#source.consumer)
    if (created !== this.#created) throw new Error('the feed is gone: another replica has opened one')
    if (silent && delivered.consumer_seq !== this.#lastConsumerSeq) throw new Error('the feed has a gap at its end')
  }

  /**
   * Leaves the consumer at the broker: it may belong to another replica by now, and the broker forgets it by itself.
   */
  close(): void {
    this.#puller.close()
  }
}
