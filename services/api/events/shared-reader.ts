import type { Broker } from '#shared/bus/connection.ts'
import { watchLive } from '#shared/bus/live.ts'
import type { StreamState } from '#shared/bus/stream.ts'
import { ALL_HISTORY } from '#shared/contracts/log/subjects.ts'
import { Tail, type TailDeps } from './tail.ts'

/** What the window holds at most: some seconds at full load. */
export const WINDOW = { maxEvents: 20_000, maxBytes: 16 * 1024 * 1024 }
/** Where a reader comes back this close to the end, the window begins with what it has missed: so did others. */
const BEGIN_BEFORE_END = 5_000

/**
 * One reader of all events for all who follow them in this process, while there is anybody: the broker is asked as
 * often for five hundred of them as for one.
 */
export class SharedReader {
  readonly #deps: Omit<TailDeps, 'readers'>
  readonly #readers = new Set<() => void>()
  #tail: Tail | null = null

  constructor(deps: Omit<TailDeps, 'readers'>) {
    this.#deps = deps
  }

  /**
   * Adds a reader.
   * @param onNews called when there may be something new
   * @returns a function by which the reader leaves
   */
  enter(onNews: () => void): () => void {
    this.#readers.add(onNews)
    return () => {
      this.#readers.delete(onNews)
      if (this.#readers.size > 0) return
      this.#tail?.end()
      this.#tail = null
    }
  }

  /**
   * The tail of the log that is in this state.
   * @param afterSeq where the reader stands: begins the window if there is none
   */
  tailOf({ created, lastSeq }: StreamState, afterSeq: number): Tail {
    if (this.#tail?.isOpen === true && this.#tail.created === created) return this.#tail
    this.#tail?.end()
    const fromSeq = Math.max(Math.min(afterSeq, lastSeq), lastSeq - BEGIN_BEFORE_END)
    this.#tail = new Tail({ ...this.#deps, readers: this.#readers }, created, fromSeq)
    void this.#tail.follow()
    return this.#tail
  }
}

export function watchAll(broker: Broker): TailDeps['watch'] {
  return (onNews, onReconnect) => {
    const unwatch = watchLive(broker, ALL_HISTORY, onNews)
    const unlisten = broker.onReconnect(onReconnect)
    return () => {
      unwatch()
      unlisten()
    }
  }
}
