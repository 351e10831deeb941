import type { Clock } from './clock.ts'

/** Values that are kept for a while, and no more than so many: the oldest goes first. */
export class Remembered<V> {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #keptMs: number
  readonly #max: number
  /** In the order in which they were added. */
  readonly #entries = new Map<string, { value: V; untilMs: number }>()

  constructor(clock: Pick<Clock, 'monotonic'>, { keptMs, max }: { keptMs: number; max: number }) {
    this.#clock = clock
    this.#keptMs = keptMs
    this.#max = max
  }

  get(key: string): V | undefined {
    this.#dropOld()
    return this.#entries.get(key)?.value
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, { value, untilMs: this.#clock.monotonic() + this.#keptMs })
    this.#dropOld()
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  #dropOld(): void {
    const now = this.#clock.monotonic()
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > now && this.#entries.size <= this.#max) return
      this.#entries.delete(key)
    }
  }
}
