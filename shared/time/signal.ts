/**
 * Wakes those that wait for something to happen; an event without anyone waiting is remembered for the next one who
 * waits.
 */
export class Signal {
  #isNew = false
  #wake: () => void = () => undefined

  raise(): void {
    this.#isNew = true
    this.#wake()
  }

  /** @returns false when nothing happened within the time */
  waitFor(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isNew: boolean) => {
        clearTimeout(timer)
        this.#wake = () => undefined
        this.#isNew = false
        resolve(isNew)
      }
      const timer = setTimeout(() => end(false), ms)
      this.#wake = () => end(true)
      if (this.#isNew) end(true)
    })
  }
}
