import type { Broker } from '#shared/bus/connection.ts'
import type { HeldList } from '#shared/bus/held-list.ts'
import { AbsenceAsker, hearHeld, serverId, tellHeld } from '#shared/bus/held-lists.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'
import { RECONNECT_MS } from './ask-holder.ts'
import { handBackHeld } from './hand-back-held.ts'
import { type Neighbour, WorkerRing } from './worker-ring.ts'

// Notices that another worker died without waiting for its leases: the broker closes the connections of a dead process
// at once, and says so to whoever asks. A frozen worker keeps its connections, so its jobs wait for the lease. To be
// wrong costs a redelivery: who gets the job asks the holder before it starts anything.

const TELL_EVERY_MS = 2 * SECOND
const LOOK_EVERY_MS = 75
/** Number of workers that each one watches: a watcher may be frozen, or die with the worker that it watches. */
const WATCHED = 2
/** One look in so many goes to the second. */
const SECOND_EVERY = 14
const ASK_AGAIN_MS = 25
/** Time in which a living worker whose connection was closed has a new one: the client dials at once. */
const GRACE_MS = 100
/** The second watcher leaves the first one this much time to tell that it was faster. */
const SECOND_WATCHER_MS = 300
/**
 * Silence of its own lists after which the broker, or this process, was away itself: less than the 4 s after which
 * workers dial again. None of them is judged until they have had the time.
 */
const STALLED_MS = 3 * SECOND
/** The most deliveries that a list names; the others wait for their lease. */
const MAX_LISTED = 2_000

export interface WatchWorkersOptions {
  broker: Broker
  workerId: string
  clock: Clock
  log: Logger
  /** Ack subjects of the deliveries that this worker holds now. */
  held: () => Iterable<string>
  /** Called when another worker seems to have died: so many of its jobs may come here. */
  onMissing: (jobs: number) => void
  /** Called when the first other worker has come, and when the last one is gone. */
  onCompany: (isThere: boolean) => void
}

/** Tells the other workers what this one holds, and hands back what a dead neighbour held. */
export class WorkerWatch {
  readonly #options: WatchWorkersOptions
  readonly #ring: WorkerRing
  readonly #asker: AbsenceAsker
  /** The workers about which it is making sure. */
  readonly #suspects = new Set<string>()
  readonly #timers: NodeJS.Timeout[] = []
  #heardSelfMs: number
  #stalledMs = Number.NEGATIVE_INFINITY
  #looks = 0
  #hasCompany = false
  /** The broker's configuration is older than this service: dead workers' jobs wait for the lease. */
  #isDenied = false
  #stopped = false

  constructor(options: WatchWorkersOptions) {
    this.#options = options
    this.#heardSelfMs = options.clock.monotonic()
    this.#ring = new WorkerRing(options.workerId)
    this.#asker = new AbsenceAsker(options.broker, (workerId) => this.#suspect(workerId))
    hearHeld(options.broker, {
      onList: (list) => this.#hear(list),
      onDenied: () => {
        this.#isDenied = true
        options.log.warn('this worker may not tell others what it holds: give its user the rights of the new nats.conf')
      },
    })
  }

  start(): void {
    this.#tellOwn('here')
    this.#timers.push(
      setInterval(() => this.#tellOwn('here'), TELL_EVERY_MS),
      setInterval(() => this.#look(), LOOK_EVERY_MS),
    )
  }

  /** Ends the watch and tells the others that this worker has left; resolves when the broker has heard it. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#tellOwn('left')
    if (this.#options.broker.isUp()) await this.#options.broker.flush()
  }

  #tellOwn(state: 'here' | 'left'): void {
    const { workerId, held } = this.#options
    const list = state === 'left' ? [] : [...held()].slice(0, MAX_LISTED)
    this.#tell({ worker_id: workerId, state, server_id: serverId(this.#options.broker), held: list })
  }

  #tell(list: HeldList): void {
    if (this.#options.broker.isUp() && !this.#isDenied) tellHeld(this.#options.broker, list)
  }

  #hear(list: HeldList): void {
    const nowMs = this.#options.clock.monotonic()
    if (list.state === 'missing') this.#options.onMissing(this.#ring.shareOf(list.worker_id))
    else if (list.worker_id !== this.#options.workerId) this.#ring.hear(list, nowMs)
    else {
      if (nowMs - this.#heardSelfMs > STALLED_MS) this.#stalledMs = nowMs
      this.#heardSelfMs = nowMs
    }
  }

  #look(): void {
    if (!this.#options.broker.isUp()) return
    const [first, second] = this.#ring.next(WATCHED)
    const hasCompany = first !== undefined
    if (hasCompany !== this.#hasCompany) this.#options.onCompany(hasCompany)
    this.#hasCompany = hasCompany
    if (first !== undefined) this.#asker.glance(first.workerId)
    if (second !== undefined && this.#looks % SECOND_EVERY === 0) this.#asker.glance(second.workerId)
    this.#looks++
    if (this.#looks % SECOND_EVERY === 0) this.#ring.forgetOld(this.#options.clock.monotonic(), WATCHED)
  }

  #suspect(workerId: string): void {
    if (this.#suspects.has(workerId) || this.#stopped || !this.#isQuiet()) return
    const neighbour = this.#ring.next(WATCHED).find((next) => next.workerId === workerId)
    if (neighbour === undefined) return
    this.#suspects.add(workerId)
    this.#tell({ worker_id: workerId, state: 'missing', server_id: neighbour.serverId, held: [] })
    this.#makeSure(neighbour)
      .catch((error: unknown) => this.#options.log.debug({ err: error }, 'could not ask whether a worker is there'))
      .finally(() => this.#suspects.delete(workerId))
  }

  /** Whether a worker that is not there can only be gone: nobody was away from whom workers would be coming back. */
  #isQuiet(): boolean {
    const { broker, clock } = this.#options
    const nowMs = clock.monotonic()
    const lastMs = Math.max(broker.upSinceMs(), this.#stalledMs)
    return broker.isUp() && nowMs - lastMs > RECONNECT_MS && nowMs - this.#heardSelfMs < STALLED_MS
  }

  async #makeSure(neighbour: Neighbour): Promise<void> {
    const { broker, clock } = this.#options
    const sinceMs = clock.monotonic()
    // Nobody here knows whether another server of a cluster is gone, and its workers on their way to the next one.
    const ownGraceMs = neighbour.serverId === serverId(broker) ? GRACE_MS : RECONNECT_MS
    const isFirst = this.#ring.next(1)[0] === neighbour
    const graceMs = ownGraceMs + (isFirst ? 0 : SECOND_WATCHER_MS)
    for (;;) {
      const askedMs = clock.monotonic()
      const isAbsent = await this.#asker.isAbsent(neighbour.workerId)
      // It came back, has left in order, or another watcher was faster.
      if (!isAbsent || !this.#isQuiet() || !this.#ring.has(neighbour) || this.#stopped) return
      if (askedMs - sinceMs >= graceMs) break
      await sleep(ASK_AGAIN_MS)
    }
    this.#handBack(neighbour)
  }

  #handBack(neighbour: Neighbour): void {
    const { broker, clock, log } = this.#options
    const { workerId } = neighbour
    this.#ring.remove(workerId)
    this.#tell({ worker_id: workerId, state: 'dead', server_id: neighbour.serverId, held: [] })
    handBackHeld(broker, clock, neighbour).then(
      (jobs) => log.warn({ dead_worker_id: workerId, jobs }, 'a worker died: its jobs were handed back'),
      (error: unknown) =>
        log.warn({ dead_worker_id: workerId, err: error }, 'a worker died: what it took last waits for its lease'),
    )
  }
}
