import { SECOND } from '#shared/time/clock.ts'

const MAX = 2_000
/** Time in which a slice should be written, milliseconds. */
const ENOUGH_MS = 500
const LONG_MS = 2 * SECOND

/**
 * The number of events between two moves of the checkpoint. A store that takes less at once, or takes long for it, gets
 * fewer, down to one: it makes progress as long as it answers at all.
 */
export class SliceSize {
  #size = MAX

  get now(): number {
    return this.#size
  }

  /** @param tookMs how long the store took for a slice of this size */
  onWritten(tookMs: number): void {
    if (tookMs > LONG_MS) this.#size = Math.max(1, Math.floor(this.#size / 2))
    else if (tookMs < ENOUGH_MS) this.#size = Math.min(MAX, this.#size * 2)
  }

  /** @param length of the slice that the store did not take */
  onFailed(length: number): void {
    this.#size = Math.max(1, Math.floor(length / 4))
  }
}
