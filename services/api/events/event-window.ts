/** An event of the log, made ready for everyone who may see it. */
export interface ShownEvent {
  seq: number
  type: string
  /** null: of none, or unknown. */
  tenant: string | null
  tags: readonly string[]
  job_id: string
  /** Whether only the job itself tells whose it is: its worker could not read it. */
  isOwnerUnknown: boolean
  /** The block of the stream, made once for all readers. */
  block: Buffer
}

export interface WindowLimits {
  maxEvents: number
  maxBytes: number
}

/**
 * The latest events of the log in their order, without gap: every event after `baseSeq` and up to `lastSeq` is here.
 * Beyond its limits the oldest leave, and `baseSeq` rises.
 */
export class EventWindow {
  readonly #limits: WindowLimits
  #events: ShownEvent[] = []
  /** Place of the oldest event; those before it have left. */
  #start = 0
  #bytes = 0
  #baseSeq: number
  #lastSeq: number

  constructor(baseSeq: number, limits: WindowLimits) {
    this.#baseSeq = baseSeq
    this.#lastSeq = baseSeq
    this.#limits = limits
  }

  /** A reader that has seen everything up to here, or later, finds the rest in the window. */
  get baseSeq(): number {
    return this.#baseSeq
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Adds all events after `lastSeq` and up to a sequence. */
  append(events: readonly ShownEvent[], upToSeq: number): void {
    for (const event of events) {
      this.#events.push(event)
      this.#bytes += event.block.length
    }
    this.#lastSeq = Math.max(this.#lastSeq, upToSeq)
    this.#dropOldest()
  }

  /**
   * The next events that a reader wants, as many as there is room for, and at least one.
   * @param afterSeq not below `baseSeq`
   * @returns also the sequence up to which the reader has then seen everything
   */
  after(
    afterSeq: number,
    isWanted: (event: ShownEvent) => boolean,
    maxBytes: number,
  ): { events: ShownEvent[]; seq: number } {
    const events: ShownEvent[] = []
    let bytes = 0
    for (let n = this.#placeAfter(afterSeq); n < this.#events.length; n++) {
      const event = this.#events[n] as ShownEvent
      if (!isWanted(event)) continue
      bytes += event.block.length
      if (bytes > maxBytes && events.length > 0) return { events, seq: event.seq - 1 }
      events.push(event)
    }
    return { events, seq: Math.max(afterSeq, this.#lastSeq) }
  }

  /** The place of the first event after a sequence. */
  #placeAfter(seq: number): number {
    let low = this.#start
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#events[middle] as ShownEvent).seq > seq) high = middle
      else low = middle + 1
    }
    return low
  }

  #dropOldest(): void {
    const { maxEvents, maxBytes } = this.#limits
    while (this.#events.length - this.#start > maxEvents || this.#bytes > maxBytes) {
      const oldest = this.#events[this.#start++] as ShownEvent
      this.#bytes -= oldest.block.length
      this.#baseSeq = oldest.seq
    }
    // Moved seldom, so that each event is moved about once.
    if (this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start)
      this.#start = 0
    }
  }
}
