import { sleep } from '#shared/time/clock.ts'
import { type FollowAllDeps, followAll } from '../../services/api/events/follow-all.ts'
import { blockOf } from '../../services/api/events/server-sent-events.ts'
import type { View } from '../../services/api/events/show-events.ts'

/** A reader that comes back with its last id whenever its stream breaks, as a browser does. */
export class EventReader {
  readonly ids: number[] = []
  readonly resets: number[] = []
  /** Streams so far. */
  opened = 0
  readonly view: View
  startSeq: number | null
  lastId: number | null
  /** Pieces that the reader takes before it stalls. */
  budget = Number.POSITIVE_INFINITY
  readonly #deps: FollowAllDeps
  readonly #leaving = new AbortController()
  readonly #running: Promise<void>

  constructor(deps: FollowAllDeps, view: View, afterSeq: number | null) {
    this.#deps = deps
    this.view = view
    this.startSeq = afterSeq
    this.lastId = afterSeq
    this.#running = this.#run()
  }

  leave(): Promise<void> {
    this.#leaving.abort()
    this.budget = Number.POSITIVE_INFINITY
    return this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#leaving
    while (!signal.aborted) {
      this.opened++
      try {
        for await (const item of followAll(this.#deps, this.view, this.lastId, signal)) {
          this.#take(Buffer.isBuffer(item) ? item.toString() : blockOf(item))
          while (--this.budget < 0 && !signal.aborted) {
            this.budget = 0
            await sleep(10)
          }
        }
      } catch {
        await sleep(50)
      }
    }
  }

  #take(text: string): void {
    for (const block of text.split('\n\n').slice(0, -1)) {
      const [, id, event] = /^id: (\d+)(?:\nevent: (\S+))?/.exec(block) ?? []
      this.lastId = Number(id)
      this.startSeq ??= this.lastId
      if (event === 'reset') this.resets.push(this.lastId)
      else if (event !== undefined) this.ids.push(this.lastId)
    }
  }
}
