import { SECOND, sleep } from '#shared/time/clock.ts'
import type { Broker } from './connection.ts'
import type { ConsumerPuller, Delivery } from './puller.ts'

export interface DeliveryLoopDeps {
  broker: Broker
  puller: ConsumerPuller
  consumer: string
  /**
   * Acks the delivery, or hands it back. A delivery for which this throws comes again after the consumer's ack wait.
   * @param signal aborted when the loop stops
   */
  onDelivery(delivery: Delivery, signal: AbortSignal): Promise<void>
  /** Called with errors that `onDelivery` throws. */
  onError(error: unknown, delivery: Delivery): void
}

const BATCH = 100
const MAX_UNDER_WAY = 1_000
const WAIT_MS = 5 * SECOND
const BROKER_AWAY_MS = 250

/** Takes a consumer's messages until it is stopped, many at a time. */
export class DeliveryLoop {
  readonly #deps: DeliveryLoopDeps
  readonly #aborter = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  readonly #underWay = new Set<Promise<void>>()

  constructor(deps: DeliveryLoopDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** Stops taking messages and waits for those under way. */
  async stop(): Promise<void> {
    this.#aborter.abort()
    this.#deps.puller.endAll()
    await this.#loop
    await Promise.all(this.#underWay)
  }

  async #run(): Promise<void> {
    const { broker, puller, consumer } = this.#deps
    while (!this.#aborter.signal.aborted) {
      if (!broker.isUp()) {
        await sleep(BROKER_AWAY_MS)
        continue
      }
      // Deliveries of the last batch may still be under way: a slow one must not keep the others waiting.
      while (this.#underWay.size >= MAX_UNDER_WAY) await Promise.race(this.#underWay)
      const onDelivery = (delivery: Delivery) => this.#track(delivery)
      const { end } = await puller.pull({ consumer, batch: BATCH, waitMs: WAIT_MS, onDelivery })
      if (end === 'gone') await sleep(BROKER_AWAY_MS)
    }
  }

  #track(delivery: Delivery): void {
    const work = this.#deps
      .onDelivery(delivery, this.#aborter.signal)
      .catch((error: unknown) => this.#deps.onError(error, delivery))
    const tracked = work.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
  }
}
