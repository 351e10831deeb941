import type { Delivery } from '#shared/bus/puller.ts'
import type { Clock } from '#shared/time/clock.ts'

/**
 * Knows which deliveries of a lane no other worker can have had before, of jobs that nobody has cancelled. A delivery says
 * itself that it is the first, but a broker that was restarted, and a lane that replaces another, begin to count again: so
 * only messages are trusted that were stored after both, and after the type's last cancel. And a worker that slept may
 * find a first delivery in its socket that has gone to another in the meantime.
 */
export class ExclusiveDeliveries {
  readonly #clock: Clock
  readonly #freshMs: number
  /** The sequence after which the messages of a type are trusted; a type that has none is distrusted. */
  readonly #trustedAfter = new Map<string, number>()
  /** Sequence of the last cancel that was heard of each type. */
  readonly #cancelledAt = new Map<string, number>()
  /** The latest look at the lanes of each type: the answer to an earlier one is out of date. */
  readonly #looks = new Map<string, symbol>()

  /** @param leaseMs time without a renewal after which the broker delivers a message to another worker */
  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock
    this.#freshMs = leaseMs / 2
  }

  /**
   * Begins a look at the lanes of a type, which is distrusted until it has ended.
   * @returns ends the look, with the sequence after which messages are trusted; without effect if the type was distrusted since
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

  /** Called for each cancel that is heard: the job's trigger may still wait in its lane. */
  cancelled(type: string, seq: number): void {
    this.#cancelledAt.set(type, Math.max(seq, this.#cancelledAt.get(type) ?? 0))
  }

  isExclusive(type: string, { deliveries, seq, asked }: Pick<Delivery, 'deliveries' | 'seq' | 'asked'>): boolean {
    return (
      deliveries === 1 &&
      seq > (this.#trustedAfter.get(type) ?? Number.POSITIVE_INFINITY) &&
      seq > (this.#cancelledAt.get(type) ?? 0) &&
      // By both clocks: one may be set back, the other stands still while the machine sleeps.
      this.#clock.monotonic() - asked.monotonicMs < this.#freshMs &&
      this.#clock.now() - asked.wallMs < this.#freshMs
    )
  }
}
