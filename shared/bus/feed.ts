import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream'
import { ALL_HISTORY, JOBS_STREAM, PROJECTION } from '#shared/contracts/log/subjects.ts'
import { CONSUMER_NOT_FOUND, MILLISECOND_NS } from './broker-codes.ts'
import type { Broker } from './connection.ts'
import { ConsumerPuller, type Delivery } from './puller.ts'

/** What a feed reads, and the name of the one consumer that it reads by. */
export interface FeedSource {
  stream: string
  consumer: string
  filter: string
}

const JOB_HISTORY: FeedSource = { stream: JOBS_STREAM, consumer: PROJECTION, filter: ALL_HISTORY }

/** The broker forgets a feed that nobody pulls from after this long. */
const INACTIVE_MS = 30_000
const WAIT_MS = 1_000
const BATCH = 1_000

/**
 * All messages of a source (the history events of the log, unless told otherwise) in the stream's order, from a sequence
 * on, in batches as they come. It has no state at the broker worth keeping: after a loss a new feed starts from where
 * the reader was. There is one at a time, under one name, so that the broker can allow the api this consumer and no
 * other: who opens it takes it from whoever had it, and that one sees it gone or a gap in its count.
 */
export class StreamFeed {
  readonly #puller: ConsumerPuller
  readonly #broker: Broker
  readonly #source: FeedSource
  /** When the broker made this feed's consumer: another time is another's consumer under the same name. */
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
   * The next messages, in order; empty after a second without any.
   * @param limit how many at most
   * @throws when the feed is lost or has a gap: open another one
   */
  async next(limit = BATCH): Promise<Delivery[]> {
    const batch: Delivery[] = []
    const { end } = await this.#puller.pull({
      consumer: this.#source.consumer,
      batch: Math.min(limit, BATCH),
      waitMs: WAIT_MS,
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
   * Ours after the batch came is ours all along: one that was frozen while another took over must not apply what it
   * pulled from the other's consumer. What was sent on a connection that broke is lost, and the broker counts it as
   * delivered: silence is no proof either.
   */
  async #checkWhole(silent: boolean): Promise<void> {
    const manager = await jetstreamManager(this.#broker.nc, { checkAPI: false })
    const { created, delivered } = await manager.consumers.info(this.#source.stream, this.#source.consumer)
    if (created !== this.#created) throw new Error('the feed is gone: another replica has opened one')
    if (silent && delivered.consumer_seq !== this.#lastConsumerSeq) throw new Error('the feed has a gap at its end')
  }

  /** The consumer stays: it may be another replica's by now, and is forgotten by itself. */
  close(): void {
    this.#puller.close()
  }
}
