import { availableParallelism } from 'node:os'
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
  readonly #keepAfterMs: number
  #taken = 0
  readonly #waiting: (() => void)[] = []
  /** Children that were started before anybody needs them. */
  #spares: Promise<ReadyChild | null>[] = []
  #sparesEnd: NodeJS.Timeout | undefined
  /** Number of spares that are kept even if nobody needs them. */
  #kept = 0
  #topUp: NodeJS.Timeout | undefined
  /** Number of children that are starting, and those that wait to. */
  #starting = 0
  readonly #toStart: (() => void)[] = []

  /** @param keepAfterMs time after which a spare that is kept is started */
  constructor(maxPlaces: number, keepAfterMs = KEEP_AFTER_MS) {
    this.#maxPlaces = maxPlaces
    this.#keepAfterMs = keepAfterMs
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
      return new ChildPlace((await this.#takeSpare()) ?? (await this.#startChild()), () => this.#leave())
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** Starts children for jobs that may come within a moment: a child takes longer to start than a job to get here. */
  prepare(count: number): void {
    clearTimeout(this.#sparesEnd)
    this.#sparesEnd = setTimeout(() => this.#endSparesBeyond(this.#kept), SPARE_MS)
    this.#fillUp(count)
  }

  /** Keeps this many children ready from a moment on, for the jobs of workers that may die; 0: none. */
  keep(count: number): void {
    this.#kept = count
    clearTimeout(this.#topUp)
    if (count === 0) this.#endSparesBeyond(0)
    else this.#topUp = setTimeout(() => this.#fillUp(this.#kept), this.#keepAfterMs)
  }

  endSpares(): void {
    clearTimeout(this.#sparesEnd)
    this.keep(0)
  }

  #fillUp(count: number): void {
    while (this.#spares.length < count && this.#taken + this.#spares.length < this.#maxPlaces) {
      this.#spares.push(this.#startChild().catch(() => null))
    }
  }

  #endSparesBeyond(count: number): void {
    for (const spare of this.#spares.splice(count)) void spare.then((child) => child?.end())
  }

  /** Starts only as many at once as there are cores: all of them together would all be ready late. */
  async #startChild(): Promise<ReadyChild> {
    if (this.#starting >= MAX_STARTING) await new Promise<void>((resolve) => this.#toStart.push(resolve))
    else this.#starting++
    try {
      return await startReadyChild()
    } finally {
      const next = this.#toStart.shift()
      if (next === undefined) this.#starting--
      else next()
    }
  }

  /** A spare that died while it waited is left out: its end is no job's fault. */
  async #takeSpare(): Promise<ReadyChild | null> {
    if (this.#kept > 0) this.keep(this.#kept)
    const spare = (await this.#spares.shift()) ?? null
    return spare === null || spare.hasDied() ? null : spare
  }

  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken--
    else next()
  }
}

const MAX_STARTING = availableParallelism()
/** Time after which a spare that nobody has needed ends. */
const SPARE_MS = 10_000
/** Not while the service itself, or a job that needs the cores, starts. */
const KEEP_AFTER_MS = 5_000

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
