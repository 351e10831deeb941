import { messageOf } from '#shared/errors/foreign.ts'
import type { MakeRequest } from '../make/make-request.ts'
import type { ReportedProgress } from '../run/reported-progress.ts'
import type { HandlerOutcome } from '../run/run-handler.ts'
import type { ChildJob } from './messages.ts'
import { type ReadyChild, startReadyChild } from './ready-child.ts'

export interface IsolatedRun {
  job: ChildJob
  signal: AbortSignal
  onProgress(progress: ReportedProgress): void
  /** Makes a job for the handler. @returns its id */
  make(request: MakeRequest): Promise<string>
}

/** The child died without an outcome: the job is to blame. */
export interface ChildDied {
  kind: 'died'
  how: string
}

/** A place for one job's children, one after the other. */
export interface Place {
  run(request: IsolatedRun): Promise<HandlerOutcome | ChildDied>
  leave(): void
}

export interface Isolation {
  /** Whether `reserve` would resolve without waiting for another job to end. */
  readonly hasRoom: boolean
  /** Resolves when there is room and a child is ready: a failure before that is not the job's fault. */
  reserve(): Promise<Place>
}

/**
 * Attempts in child processes of their own. Each child is a whole Node process, so their number is limited: a
 * reservation beyond it waits before its attempt begins.
 */
export class ChildIsolation implements Isolation {
  readonly #maxPlaces: number
  #taken = 0
  readonly #waiting: (() => void)[] = []

  constructor(maxPlaces: number) {
    this.#maxPlaces = maxPlaces
  }

  get hasRoom(): boolean {
    return this.#taken < this.#maxPlaces
  }

  /** @throws when no child can be started */
  async reserve(): Promise<Place> {
    // A job that leaves hands its place over, so the count stays.
    if (this.#taken >= this.#maxPlaces) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#taken++
    try {
      return new ChildPlace(await startReadyChild(), () => this.#leave())
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken--
    else next()
  }
}

class ChildPlace implements Place {
  readonly #onLeave: () => void
  #child: ReadyChild | null
  #left = false

  constructor(child: ReadyChild, onLeave: () => void) {
    this.#child = child
    this.#onLeave = onLeave
  }

  async run(request: IsolatedRun): Promise<HandlerOutcome | ChildDied> {
    try {
      const child = this.#child ?? (await startReadyChild())
      this.#child = null
      return await child.run(request)
    } catch (error) {
      return { kind: 'died', how: messageOf(error) }
    }
  }

  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#child?.end()
    this.#onLeave()
  }
}
