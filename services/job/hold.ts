/**
 * A job that this process holds, as a drain sees it. It is asked to hand the job back once; whoever runs the attempt
 * then publishes `job:released` instead of going on.
 */
export class Hold {
  readonly #asked = Promise.withResolvers<{ kind: 'drain' }>()
  readonly #settled = Promise.withResolvers<void>()
  #draining = false

  get isDraining(): boolean {
    return this.#draining
  }

  /** Resolves when the job should be handed back. */
  get drain(): Promise<{ kind: 'drain' }> {
    return this.#asked.promise
  }

  /** Resolves when the job is out of this worker's hands. */
  handBack(): Promise<void> {
    this.#draining = true
    this.#asked.resolve({ kind: 'drain' })
    return this.#settled.promise
  }

  settle(): void {
    this.#settled.resolve()
  }
}
