import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { Digest } from '#shared/contracts/http/live.ts'
import type { WorkerPresence } from '#shared/contracts/log/worker-presence.ts'
import type { Logger } from '#shared/process/logger.ts'
import { unfinishedOf } from '#shared/read-store/read-lanes.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { type Clock, orNullWithin, SECOND, sleep } from '#shared/time/clock.ts'
import { Signal } from '#shared/time/signal.ts'
import { blockOf } from '../events/server-sent-events.ts'
import { typeViews } from '../types/type-views.ts'
import { Backlogs } from './backlogs.ts'
import { type BrokerFacts, digestOf } from './digest.ts'
import { Rates } from './rates.ts'

export interface LiveFoldDeps {
  store: Pick<JobStore, 'series' | 'counts'>
  broker: { isUp(): boolean }
  listLanes: () => Promise<LaneInfo[]>
  lookForWorkers: () => Promise<WorkerPresence[]>
  clock: Clock
  log: Logger
}

/** Time between two digests. */
const EVERY_MS = SECOND
/** How long the broker may take to say what lies in the lanes. */
const BROKER_MS = 1_500

/** The readers of one tenant, who all get the same text. */
interface Audience {
  readers: Set<Signal>
  rates: Rates
  backlogs: Backlogs
  latest: { digest: Digest; block: Buffer } | null
}

/**
 * Makes one digest a second for each tenant with a reader at this replica, from one look at the lanes and the workers
 * for all of them. While nobody reads, it does nothing.
 */
export class LiveFold {
  readonly #deps: LiveFoldDeps
  readonly #audiences = new Map<string | null, Audience>()
  #isRunning = false

  constructor(deps: LiveFoldDeps) {
    this.#deps = deps
  }

  /** The digests of a tenant's jobs (null: of all jobs), from the next one on. */
  async *follow(tenant: string | null, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    for await (const { block } of this.#digests(tenant, signal)) yield block
  }

  /** The next digest. */
  async next(tenant: string | null, signal: AbortSignal): Promise<Digest | null> {
    for await (const { digest } of this.#digests(tenant, signal)) return digest
    return null
  }

  async *#digests(tenant: string | null, signal: AbortSignal): AsyncGenerator<NonNullable<Audience['latest']>> {
    const news = new Signal()
    const onAbort = () => news.raise()
    signal.addEventListener('abort', onAbort)
    const audience = this.#enter(tenant, news)
    try {
      // Whoever comes between two digests sees the last one at once.
      for (let seen: Audience['latest'] = null; !signal.aborted; ) {
        if (audience.latest !== null && audience.latest !== seen) {
          seen = audience.latest
          yield seen
        } else await news.waitFor(EVERY_MS)
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      audience.readers.delete(news)
      if (audience.readers.size === 0) this.#audiences.delete(tenant)
    }
  }

  #enter(tenant: string | null, news: Signal): Audience {
    const audience = this.#audiences.get(tenant) ?? {
      readers: new Set(),
      rates: new Rates(),
      backlogs: new Backlogs(),
      latest: null,
    }
    audience.readers.add(news)
    this.#audiences.set(tenant, audience)
    if (!this.#isRunning) void this.#run()
    return audience
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#audiences.size > 0) {
      const startedMs = this.#deps.clock.monotonic()
      try {
        await this.#makeDigests()
      } catch (error) {
        this.#deps.log.warn({ err: error }, 'could not make a digest, will retry')
      }
      const tookMs = this.#deps.clock.monotonic() - startedMs
      // A broker or store that is slow is not asked all the time.
      await sleep(Math.max(EVERY_MS - tookMs, tookMs))
    }
    this.#isRunning = false
  }

  async #makeDigests(): Promise<void> {
    const { clock } = this.#deps
    const facts = await this.#askBroker()
    for (const [tenant, audience] of this.#audiences) {
      const nowMs = clock.now()
      const counts = await this.#readStore(tenant, audience.rates, nowMs)
      const digest = digestOf({ facts, counts, ...audience, isOfTenant: tenant !== null, nowMs })
      const block = Buffer.from(blockOf({ id: nowMs, event: 'digest', data: digest }))
      audience.latest = { digest, block }
      for (const reader of audience.readers) reader.raise()
    }
  }

  /** @returns null where the broker does not answer */
  async #askBroker(): Promise<BrokerFacts | null> {
    const { broker, listLanes, lookForWorkers } = this.#deps
    if (!broker.isUp()) return null
    const answers = await orNullWithin(BROKER_MS, Promise.all([listLanes(), lookForWorkers()]))
    return answers === null ? null : { types: typeViews(answers[0]), workers: answers[1] }
  }

  /** Jobs of a tenant that have not ended, by type; null where the store does not answer, or for all jobs. */
  async #readStore(tenant: string | null, rates: Rates, nowMs: number): Promise<Map<string, number> | null> {
    try {
      await rates.read(this.#deps.store, tenant, nowMs)
      if (tenant === null) return null
      return unfinishedOf(await this.#deps.store.counts(tenant))
    } catch (error) {
      this.#deps.log.debug({ err: error }, 'could not read the counts of a digest')
      rates.forget()
      return null
    }
  }
}
