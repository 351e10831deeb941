import type { Delivery } from '#shared/bus/puller.ts'
import type { Clock } from '#shared/time/clock.ts'

/**
 * Knows which deliveries of a lane no other worker can have had before. A delivery says itself that it is the first, but
 * a broker that was restarted, and a lane that replaces another, count anew: so only messages count that were stored
 * after both. And a worker that slept may find a first delivery in its socket that has gone to another in the meantime.
 */
export class ExclusiveDeliveries {
  readonly #clock: Clock
  readonly #freshMs: number
  /** The sequence after which the messages of a type count; a type that has none is distrusted. */
  readonly #trustedAfter = new Map<string, number>()
  /** The latest look at the lanes of each type: the answer to an earlier one is out of date. */
  readonly #looks = new Map<string, symbol>()

  /** @param leaseMs time without a renewal after which the broker delivers a message to another worker */
  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock
    this.#freshMs = leaseMs / 2
  }

  /**
   * Begins a look at the lanes of a type, which is distrusted until it has ended.
   * @returns ends the look, with the sequence after which messages count; without effect if the type was distrusted since
   */
  look(type: string): (seq: number) => void {
    this.distrust(type)
    const look = Symbol(type)
    this.#looks.set(type, look)
    return (seq) => {
      if (this.#looks.get(type) === look) this.#trustedAfter.set(type, seq)
    }
  }

  /** Called when the lanes of a type may be replaced. */
  distrust(type: string): void {
    this.#looks.delete(type)
    this.#trustedAfter.delete(type)
  }

  isExclusive(type: string, { deliveries, seq, asked }: Pick<Delivery, 'deliveries' | 'seq' | 'asked'>): boolean {
    return (
      deliveries === 1 &&
      seq > (this.#trustedAfter.get(type) ?? Number.POSITIVE_INFINITY) &&
      // By both clocks: one may be set back, the other stands still while the machine sleeps.
      this.#clock.monotonic() - asked.monotonicMs < this.#freshMs &&
      this.#clock.now() - asked.wallMs < this.#freshMs
    )
  }
}
