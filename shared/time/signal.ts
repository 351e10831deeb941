/** Says that something happened, also to who asks only later. */
export class News {
  #isNew = false
  #wake: () => void = () => undefined

  tell(): void {
    this.#isNew = true
    this.#wake()
  }

  /** @returns false when nothing happened within the time */
  within(ms: number): Promise<boolean> {
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
