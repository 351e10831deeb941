import { BATCH, LOOK_AT_LEAST_EVERY_MS, readLogFrom } from '#shared/bus/follow.ts'
import type { Stream, StreamState } from '#shared/bus/stream.ts'
import { ALL_HISTORY } from '#shared/contracts/log/subjects.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'
import { Signal } from '#shared/time/signal.ts'
import { EventWindow, type WindowLimits } from './event-window.ts'
import { type Chunk, chunkOf, type OwnerOf, shownEvent, type View } from './show-events.ts'

export interface TailDeps {
  /** The log of jobs. */
  stream: Pick<Stream, 'state' | 'readBatch' | 'nextOf'>
  clock: Clock
  ownerOf: OwnerOf
  limits: WindowLimits
  /**
   * Calls the listeners: when there may be new events, and when a broken connection is back.
   * @returns a function that ends this
   */
  watch: (onNews: () => void, onReconnect: () => void) => () => void
  /** The readers that are told of new events. */
  readers: ReadonlySet<() => void>
}

/** Pause after a look that failed, and before the log counts as another one. */
const RETRY_MS = 500
/** Time without an answer of the broker after which the readers are better off at another replica. */
const GIVE_UP_MS = 10 * SECOND
/**
 * Events that come close together are shown together. A look wakes every reader, so the pause after it grows with their
 * number; a lone event is shown at once.
 */
const PAUSE_MS = { ofReader: 0.2, least: 10, most: 100 }
/** Readers that have seen the same get the same chunk; nearly all of them have seen everything. */
const CHUNKS_KEPT = 32

/**
 * The end of one log, read once for all readers of this process. It is open until its readers have left, until the log
 * was replaced, or until the broker has not answered for a while: then it has failed.
 */
export class Tail {
  /** When the log was created: another value means another log. */
  readonly created: string
  readonly window: EventWindow
  readonly #deps: TailDeps
  readonly #news = new Signal()
  readonly #chunks = new Map<string, Promise<Chunk>>()
  #isOpen = true
  #failure: Error | null = null
  #checkedMs = Number.NEGATIVE_INFINITY

  /** @param fromSeq sequence after which the window begins */
  constructor(deps: TailDeps, created: string, fromSeq: number) {
    this.#deps = deps
    this.created = created
    this.window = new EventWindow(fromSeq, deps.limits)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Why the log could not be read any more. */
  get failure(): Error | null {
    return this.#failure
  }

  /** The next piece for a reader of the view that has seen everything up to a sequence, which the window must have. */
  chunkAfter(view: View, afterSeq: number): Promise<Chunk> {
    const key = JSON.stringify([view.tenant, view.type, view.tag, afterSeq])
    const made = this.#chunks.get(key)
    if (made !== undefined) return made
    const chunk = chunkOf(this.#deps.ownerOf, view, this.window, afterSeq)
    if (this.#chunks.size >= CHUNKS_KEPT) this.#chunks.clear()
    this.#chunks.set(key, chunk)
    return chunk
  }

  /** Follows the log. Never rejects. */
  async follow(): Promise<void> {
    try {
      const unwatch = this.#deps.watch(
        () => this.#news.raise(),
        () => this.#doubt(),
      )
      await this.#lookUntilEnd()
      unwatch()
    } catch (error) {
      // The connection was closed: this replica stops.
      this.#fail(error)
    }
  }

  async #lookUntilEnd(): Promise<void> {
    for (let failingSinceMs: number | null = null; this.#isOpen; ) {
      const nowMs = this.#deps.clock.monotonic()
      try {
        await this.#look()
        failingSinceMs = null
      } catch (error) {
        failingSinceMs ??= nowMs
        if (nowMs - failingSinceMs < GIVE_UP_MS) await sleep(RETRY_MS)
        else this.#fail(error)
      }
    }
  }

  end(): void {
    this.#isOpen = false
    this.#news.raise()
    this.#tell()
  }

  /** The broker that is back may have another log. What was stored meanwhile was not announced. */
  #doubt(): void {
    this.#checkedMs = Number.NEGATIVE_INFINITY
    this.#news.raise()
  }

  async #look(): Promise<void> {
    const state = await this.#stateIfDue()
    if (!this.#isOpen) return
    const { events, lastSeq, isMore } = await readLogFrom(
      this.#deps.stream,
      ALL_HISTORY,
      this.window.lastSeq + 1,
      BATCH,
    )
    if (lastSeq !== null) {
      this.#append(events.map(shownEvent), lastSeq)
      if (!isMore) await sleep(this.#pauseMs())
      return
    }
    if (state !== null) await this.#moveOn(state.lastSeq)
    await this.#news.waitFor(LOOK_AT_LEAST_EVERY_MS)
  }

  /** Every few seconds the state of the log; null in between, or where the log was replaced. */
  async #stateIfDue(): Promise<StreamState | null> {
    const { stream, clock } = this.#deps
    if (clock.monotonic() - this.#checkedMs < LOOK_AT_LEAST_EVERY_MS) return null
    this.#checkedMs = clock.monotonic()
    const state = await stream.state()
    if (!this.#isOther(state)) return state
    // A leader that was elected just now may know less than a replica has shown. The readers ask again, so they wait.
    await sleep(RETRY_MS)
    this.end()
    return null
  }

  #isOther({ created, lastSeq }: StreamState): boolean {
    return created !== this.created || lastSeq < this.window.lastSeq
  }

  /**
   * Passes what is no event, such as timers. A batch may come from a replica that lags behind, so the leader is asked
   * whether there is nothing.
   */
  async #moveOn(toSeq: number): Promise<void> {
    const next = await this.#deps.stream.nextOf(ALL_HISTORY, this.window.lastSeq + 1)
    if (next === null || next.seq > toSeq) this.#append([], toSeq)
  }

  #append(...added: Parameters<EventWindow['append']>): void {
    this.window.append(...added)
    this.#chunks.clear()
    this.#tell()
  }

  #pauseMs(): number {
    return Math.min(PAUSE_MS.most, Math.max(PAUSE_MS.least, this.#deps.readers.size * PAUSE_MS.ofReader))
  }

  #tell(): void {
    for (const tell of this.#deps.readers) tell()
  }

  #fail(cause: unknown): void {
    this.#failure = new Error('the log cannot be read', { cause })
    this.end()
  }
}
