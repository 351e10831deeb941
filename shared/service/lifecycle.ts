/** Something long-lived that starts and stops once. A stop without a complete start before it is harmless. */
export interface Startable<T> {
  start(): T | Promise<T>
  stop(): unknown
}

/**
 * The started parts of a service, which end in the opposite order, whether the service was stopped or its start failed
 * half-way. A stop that throws does not keep the others from stopping.
 */
export class Lifecycle {
  readonly #steps = new AsyncDisposableStack()
  readonly #last = new AsyncDisposableStack()

  constructor() {
    // At the bottom of the stack: these end when everything else has ended.
    this.#steps.use(this.#last)
  }

  /** Registers the stop before the start, which may fail half-way. */
  async start<T>(thing: Startable<T>): Promise<T> {
    this.onStop(() => thing.stop())
    return thing.start()
  }

  /** Registers a stop that runs before all those registered earlier. */
  onStop(stop: () => unknown): void {
    this.#steps.defer(async () => void (await stop()))
  }

  /**
   * Registers a stop that runs after everything else, for parts that must answer until the very end. Among these, the
   * last registered runs first.
   */
  onEnd(stop: () => unknown): void {
    this.#last.defer(async () => void (await stop()))
  }

  /** @throws the error of a stop, or a SuppressedError with those of several, after all of them have run */
  stop(): Promise<void> {
    return this.#steps.disposeAsync()
  }
}
