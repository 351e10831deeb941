/** Something long-lived: it begins, and it ends once. A stop without a whole start before it is harmless. */
export interface Startable<T> {
  start(): T | Promise<T>
  stop(): unknown
}

/**
 * What a service has begun, so that all of it ends in the opposite order, whether the service was stopped or its start
 * failed half-way. A stop that throws keeps none of the others from stopping.
 */
export class Lifecycle {
  readonly #steps = new AsyncDisposableStack()
  readonly #last = new AsyncDisposableStack()

  constructor() {
    // At the bottom of the stack: it ends when everything else has ended.
    this.#steps.use(this.#last)
  }

  /** Its stop is registered before its start, which may fail after half of its work. */
  async start<T>(thing: Startable<T>): Promise<T> {
    this.onStop(() => thing.stop())
    return thing.start()
  }

  /** Runs before the stops of all that was registered earlier. */
  onStop(stop: () => unknown): void {
    this.#steps.defer(async () => void (await stop()))
  }

  /** Runs after everything else, for what must answer until the very end. Among themselves: the last registered first. */
  onEnd(stop: () => unknown): void {
    this.#last.defer(async () => void (await stop()))
  }

  /** @throws what one stop threw, or a SuppressedError with what several threw, after all of them have run */
  stop(): Promise<void> {
    return this.#steps.disposeAsync()
  }
}
