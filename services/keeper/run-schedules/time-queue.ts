interface Item<Key> {
  key: Key
  atMs: number
}

/** Keys by their times, earliest first: a binary heap that knows where each key is. */
export class TimeQueue<Key> {
  readonly #heap: Item<Key>[] = []
  readonly #places = new Map<Key, number>()

  get size(): number {
    return this.#heap.length
  }

  /** The earliest time; Infinity where there is none. */
  get firstMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** Puts a key at a time, wherever it was before. */
  set(key: Key, atMs: number): void {
    const item = { key, atMs }
    const place = this.#places.get(key)
    if (place === undefined) this.#rise(this.#heap.length, item)
    else this.#settle(place, item)
  }

  delete(key: Key): void {
    const place = this.#places.get(key)
    if (place === undefined) return
    this.#places.delete(key)
    const last = this.#heap.pop()
    if (last !== undefined && place < this.#heap.length) this.#settle(place, last)
  }

  /** Removes and returns the earliest key, if its time has come. */
  takeDue(nowMs: number): Key | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.atMs > nowMs) return undefined
    this.delete(first.key)
    return first.key
  }

  /** Puts an item where it belongs, in the place of another. */
  #settle(place: number, item: Item<Key>): void {
    const parent = this.#heap[parentOf(place)]
    if (place > 0 && parent !== undefined && parent.atMs > item.atMs) this.#rise(place, item)
    else this.#sink(place, item)
  }

  #rise(from: number, item: Item<Key>): void {
    let place = from
    while (place > 0) {
      const parent = this.#heap[parentOf(place)]
      if (parent === undefined || parent.atMs <= item.atMs) break
      this.#put(place, parent)
      place = parentOf(place)
    }
    this.#put(place, item)
  }

  #sink(from: number, item: Item<Key>): void {
    let place = from
    for (;;) {
      const left = this.#heap[2 * place + 1]
      const right = this.#heap[2 * place + 2]
      const isRight = right !== undefined && left !== undefined && right.atMs < left.atMs
      const child = isRight ? right : left
      if (child === undefined || child.atMs >= item.atMs) break
      this.#put(place, child)
      place = 2 * place + (isRight ? 2 : 1)
    }
    this.#put(place, item)
  }

  #put(place: number, item: Item<Key>): void {
    this.#heap[place] = item
    this.#places.set(item.key, place)
  }
}

const parentOf = (place: number): number => (place - 1) >> 1
