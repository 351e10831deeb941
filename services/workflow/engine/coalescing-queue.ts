interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/** Runs the work of each key one turn at a time; items that come in between are handled together in the next turn. */
export class CoalescingQueue<Item, Result> {
  readonly #waiting = new Map<string, Waiting<Item, Result>[]>()

  /** @param work handles the items that have come for the key */
  add(key: string, item: Item, work: (items: Item[]) => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(key)
      const entry = { item, resolve, reject }
      if (waiting !== undefined) {
        waiting.push(entry)
        return
      }
      this.#waiting.set(key, [entry])
      void this.#run(key, work)
    })
  }

  async #run(key: string, work: (items: Item[]) => Promise<Result>): Promise<void> {
    // One turn of the event loop gathers what arrived in the same read of the sockets: often all jobs of a step.
    await new Promise((resolve) => setImmediate(resolve))
    for (;;) {
      const turn = this.#waiting.get(key) ?? []
      if (turn.length === 0) break
      this.#waiting.set(key, [])
      try {
        const result = await work(turn.map(({ item }) => item))
        for (const { resolve } of turn) resolve(result)
      } catch (error) {
        for (const { reject } of turn) reject(error)
      }
    }
    this.#waiting.delete(key)
  }
}
