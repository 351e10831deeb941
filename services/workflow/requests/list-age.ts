import type { Stream } from '#shared/bus/stream.ts'
import type { StoreAge } from '#shared/contracts/http/job-list.ts'
import { requestSubject } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'
import { type Clock, isoTime, SECOND, sleep } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { isEmptied } from '../engine/request-records.ts'

export interface ListAgeDeps {
  broker: { isUp(): boolean }
  /** The stream of requests. */
  stream: Pick<Stream, 'state' | 'versionsFrom' | 'nextOf' | 'lastOf'>
  store: Pick<RequestStore, 'versionsOf'>
  clock: Clock
  log: Logger
}

/** How exact the answer is while the store is behind. */
const CHECK_MS = 1 * SECOND
/** How long an answer waits for changes that are on their way to the store, and for the broker. */
const WAIT_MS = 250
const POLL_MS = 20
const VERSIONS_AT_ONCE = 10_000
const ROWS_AT_ONCE = 500

/**
 * How old a list of requests may be. No position of the engine's consumer tells, because its deliveries rest while
 * their requests wait; and the rows are written by all replicas. So each replica compares the stream with the store:
 *
 * looking (which requests have changed since the last look) -> confirming (until the store has all these versions, or
 * later ones) -> looking ...
 *
 * When all are confirmed, the store has everything that happened before that look began. Nothing new is looked for
 * before: under load there is always something that is on its way.
 */
export class ListAge {
  readonly #deps: ListAgeDeps
  readonly #loop: IntervalLoop
  #created = ''
  /** All messages of the stream up to this sequence have been looked at. */
  #seenSeq = 0
  /** Whether the last look came to the end of the stream. */
  #isWhole = false
  #lookedAtMs = 0
  /** Versions that the store may not have yet, by the request's id. */
  readonly #missing = new Map<string, number>()
  #asOfMs: number | null = null
  #checking: Promise<void> | null = null

  constructor(deps: ListAgeDeps) {
    this.#deps = deps
    this.#loop = new IntervalLoop(
      CHECK_MS,
      () => this.#check(),
      (error) => deps.log.debug({ err: error }, 'could not compare the requests with their store, will retry'),
    )
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Ask before the store is read: what is read afterwards is no older. */
  async now(): Promise<StoreAge> {
    const nowMs = this.#deps.clock.now()
    if (this.#deps.broker.isUp()) await this.#waitUntil(nowMs)
    if (this.#asOfMs === null) return { as_of: null, lag_ms: null }
    return { as_of: isoTime(this.#asOfMs), lag_ms: Math.max(0, nowMs - this.#asOfMs) }
  }

  async #waitUntil(asOfMs: number): Promise<void> {
    const giveUp = new AbortController()
    const timeUp = sleep(WAIT_MS).then(() => giveUp.abort())
    const compare = async () => {
      while (!giveUp.signal.aborted && (this.#asOfMs ?? 0) < asOfMs) {
        await this.#check()
        // The check may have begun before it was asked for; or changes are on their way.
        if (this.#missing.size > 0) await sleep(POLL_MS)
      }
    }
    // What is known from before is an answer too; and where the store is away, reading the list says so.
    await Promise.race([compare().catch(() => undefined), timeUp])
  }

  /** One check at a time, which all who ask share. */
  #check(): Promise<void> {
    this.#checking ??= this.#checkNow().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  async #checkNow(): Promise<void> {
    do {
      if (this.#missing.size === 0) await this.#look()
      await this.#confirm()
    } while (this.#missing.size === 0 && !this.#isWhole)
    if (this.#missing.size === 0) this.#asOfMs = this.#lookedAtMs
  }

  async #look(): Promise<void> {
    const { stream, clock } = this.#deps
    this.#isWhole = false
    this.#lookedAtMs = clock.now()
    const { created, lastSeq } = await stream.state()
    // Another stream, or one that was restored: what is known of it counts no more.
    if (created !== this.#created || lastSeq < this.#seenSeq) {
      this.#created = created
      this.#seenSeq = 0
      this.#asOfMs = null
    }
    if (lastSeq > this.#seenSeq) {
      const query = { fromSeq: this.#seenSeq + 1, limit: VERSIONS_AT_ONCE }
      const { versions, isMore } = await stream.versionsFrom(query)
      for (const { subject, seq, isEmpty } of versions) {
        // A request is emptied only after the store has its end.
        if (!isEmpty) this.#missing.set(idOf(subject), seq)
        this.#seenSeq = seq
      }
      if (isMore || (await this.#isHidden(lastSeq))) return
      this.#seenSeq = Math.max(this.#seenSeq, lastSeq)
    }
    this.#isWhole = true
  }

  /** Whether the versions came from a replica of the broker that lags: its leader has some that were not among them. */
  async #isHidden(lastSeq: number): Promise<boolean> {
    if (this.#seenSeq >= lastSeq) return false
    // The last messages of a stream may be gone: then there is nothing behind those that were seen.
    const next = await this.#deps.stream.nextOf(requestSubject('*'), this.#seenSeq + 1)
    return next !== null && next.seq <= lastSeq
  }

  async #confirm(): Promise<void> {
    const generation = Date.parse(this.#created)
    while (this.#missing.size > 0) {
      const ids = [...this.#missing.keys()].slice(0, ROWS_AT_ONCE)
      for (const row of await this.#deps.store.versionsOf(ids)) {
        const seq = this.#missing.get(row.request_id) ?? 0
        const isStored = row.generation > generation || (row.generation === generation && row.seq >= seq)
        if (isStored) this.#missing.delete(row.request_id)
      }
      const late = ids.find((id) => this.#missing.has(id))
      if (late === undefined) continue
      // The row of a request that has ended may be deleted by now, and nobody will write it again.
      if (!(await this.#isGone(late))) return
      this.#missing.delete(late)
    }
  }

  async #isGone(requestId: string): Promise<boolean> {
    const message = await this.#deps.stream.lastOf(requestSubject(requestId))
    return message === null || isEmptied(message)
  }
}

const idOf = (subject: string): string => subject.slice(requestSubject('').length)
