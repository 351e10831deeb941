import { hash } from 'node:crypto'
import type { Broker } from '#shared/bus/connection.ts'
import { askWorkers } from '#shared/bus/presence.ts'
import type { WorkCaller, WorkCallName, WorkCalls } from '#shared/bus/work-calls.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'

/** How long the list of lenders is believed. */
const FRESH_MS = 2 * SECOND
const ANSWER_MS = SECOND / 4
const TRIES_MAX = 4
/** How long a call waits for a lender where there is none: a lone job service restarts in this time. */
const PATIENCE_MS = 3 * SECOND
const LOOK_AGAIN_MS = SECOND / 4

export interface LendersDeps {
  broker: Broker
  caller: Pick<WorkCaller, 'ask'>
  clock: Clock
}

export interface LenderCall<Name extends WorkCallName> {
  name: Name
  ask: WorkCalls[Name]['ask']
  withinMs: number
  /** The lender to ask first: the one that lent a job. */
  first?: string
  /** Decides which lender is asked otherwise: calls of one worker go to one lender, as long as there are the same ones. */
  by: string
  onAsking?: (lenderId: string) => void
  /** Whether somebody still waits for the answer. */
  isWanted?: () => boolean
}

/** The job services that lend jobs, and the choice among them. */
export class Lenders {
  readonly #deps: LendersDeps
  #known: string[] = []
  #knownAtMs = Number.NEGATIVE_INFINITY
  #looking: Promise<string[]> | null = null

  constructor(deps: LendersDeps) {
    this.#deps = deps
  }

  /**
   * Asks a lender, and another one where the first is gone or silent: the log decides about every answer, so asking two
   * is harmless.
   * @throws AppError as the lender answered; `unavailable`
   */
  async ask<Name extends WorkCallName>(call: LenderCall<Name>): Promise<WorkCalls[Name]['answer']> {
    const asked = new Set<string>()
    const untilMs = this.#deps.clock.monotonic() + PATIENCE_MS
    for (let tries = 0; tries < TRIES_MAX; ) {
      const lender = await this.#choose(call, asked)
      if (lender === undefined) {
        if (this.#deps.clock.monotonic() > untilMs) break
        await sleep(LOOK_AGAIN_MS)
        continue
      }
      if (call.isWanted?.() === false) break
      tries++
      asked.add(lender)
      call.onAsking?.(lender)
      const answer = await this.#deps.caller.ask(lender, call)
      if (answer !== 'nobody' && answer !== 'silence') return answer
      if (answer === 'nobody') this.#known = this.#known.filter((one) => one !== lender)
      // It may have handed out jobs: they are not handed out a second time to a call that has lost its first answer.
      if (answer === 'silence' && call.name === 'claim') break
    }
    throw unavailable('No job service answered. Repeat the call.')
  }

  async #choose(call: LenderCall<WorkCallName>, asked: ReadonlySet<string>): Promise<string | undefined> {
    if (call.first !== undefined && !asked.has(call.first)) return call.first
    const known = (await this.#list()).filter((lender) => !asked.has(lender))
    return known.toSorted((one, other) => (rank(call.by, one) < rank(call.by, other) ? -1 : 1))[0]
  }

  async #list(): Promise<string[]> {
    const { clock } = this.#deps
    const isFresh = clock.monotonic() - this.#knownAtMs < FRESH_MS
    if (isFresh && this.#known.length > 0) return this.#known
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
    // While it looks, the last list is good enough: a lender that is gone says so by itself.
    return this.#known.length > 0 ? this.#known : this.#looking
  }

  async #look(): Promise<string[]> {
    const workers = await askWorkers(this.#deps.broker, { waitMs: ANSWER_MS })
    this.#known = workers.filter(({ lends }) => lends).map(({ worker_id }) => worker_id)
    this.#knownAtMs = this.#deps.clock.monotonic()
    return this.#known
  }
}

/** Rendezvous hashing: when a lender goes, only its own workers move. */
const rank = (by: string, lender: string): string => hash('sha1', `${by} ${lender}`)
