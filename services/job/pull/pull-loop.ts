import type { Delivery } from '#shared/bus/puller.ts'
import { sleep } from '#shared/time/clock.ts'
import type { Hold } from '../run/hold.ts'
import { runJob } from '../run/run-job.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import { type Lane, LaneSet } from './lane-set.ts'

// An idle lane has a long pull waiting at the broker, which takes the next messages, up to the lane's share of the free
// slots. A busy lane is asked whenever slots are free, in order of priority, until it returns less than was requested.
// A lane that could not be asked because every slot was taken is busy too.

const IDLE_WAIT_MS = 5_000
const BROKER_AWAY_MS = 250
const LOOK_AGAIN_MS = 1_000

export interface PullOptions {
  /** Number of jobs that run at once. */
  slots: number
  /** Milliseconds after which a lane of low priority that is passed over rises by one. */
  ageingMs: number
}

/**
 * Takes as many jobs from the lanes as the slots can hold and runs them. Jobs that arrive beyond the slots are handed
 * back at once.
 */
export class PullLoop {
  readonly #deps: WorkerDeps
  readonly #slots: number
  readonly #lanes: LaneSet
  readonly #held = new Map<string, Hold>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false
  #loop: Promise<void> = Promise.resolve()
  #wake: () => void = () => undefined
  #unlisten: () => void = () => undefined

  constructor(deps: WorkerDeps, options: PullOptions) {
    this.#deps = deps
    this.#slots = options.slots
    this.#lanes = new LaneSet(deps.clock, options.ageingMs)
  }

  get held(): ReadonlyMap<string, Hold> {
    return this.#held
  }

  /** @throws when the broker cannot list the lanes */
  async start(): Promise<void> {
    this.#unlisten = this.#deps.broker.onReconnect(() => this.#lookAgain())
    for (const type of this.#deps.handlers.keys()) await this.#findLanes(type)
    this.#loop = this.#run()
  }

  /** On a new connection no delivery is known to be the only one, until the lanes were looked at. */
  #lookAgain(): void {
    this.#deps.deliveryStarts.publishAll()
    for (const type of this.#deps.handlers.keys()) void this.#lookUntilSeen(type)
  }

  #lookUntilSeen(type: string): Promise<void> {
    const { log } = this.#deps
    return this.#untilItWorks(
      () => this.#findLanes(type),
      (error) => log.debug({ err: error, type }, 'could not list the lanes of a type, will retry'),
    )
  }

  /** Tries again every second, unless this worker stops. */
  async #untilItWorks(once: () => Promise<void>, onError: (error: unknown, isFirst: boolean) => void): Promise<void> {
    for (let isFirst = true; !this.#stopped; isFirst = false) {
      try {
        await once()
        return
      } catch (error) {
        onError(error, isFirst)
        await sleep(LOOK_AGAIN_MS)
      }
    }
  }

  /** Called when the lanes of a type are about to be replaced: a delivery may have a twin from now on. */
  lanesChanging(type: string): void {
    this.#deps.exclusive.distrust(type)
    this.#deps.deliveryStarts.publishAll(type)
  }

  /** Called when the lanes of a type were changed: asks again at once for the jobs that wait there. */
  async lanesChanged(type: string): Promise<void> {
    if (this.#stopped || !this.#deps.handlers.has(type)) return
    await this.#lookUntilSeen(type)
    for (const { consumer } of this.#lanes.of(type)) this.#deps.puller.nudge(consumer)
    this.#wake()
  }

  /** Takes no more jobs; those already taken continue. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unlisten()
    this.#wake()
    this.#deps.puller.endAll()
    await this.#loop
  }

  /** Resolves when nothing runs here any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  get #free(): number {
    return this.#slots - this.#running.size
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (!this.#deps.broker.isUp()) {
        await sleep(BROKER_AWAY_MS)
        continue
      }
      const next = this.#free > 0 ? this.#lanes.next() : null
      if (next === null) await this.#untilWoken()
      else await this.#ask(next.lane, next.isAged ? 1 : this.#free)
    }
  }

  async #ask(lane: Lane, batch: number): Promise<void> {
    const { received } = await this.#deps.puller.pull({
      consumer: lane.consumer,
      batch,
      waitMs: 0,
      onDelivery: (delivery) => this.#take(delivery),
    })
    if (received === batch || lane.state === 'gone') return
    lane.state = 'idle'
    this.#awaitNext(lane)
  }

  /** Keeps one long pull open for an idle lane. */
  #awaitNext(lane: Lane): void {
    if (this.#stopped) return
    const batch = Math.max(1, Math.floor(this.#free / this.#lanes.size))
    this.#deps.puller
      .pull({ consumer: lane.consumer, batch, waitMs: IDLE_WAIT_MS, onDelivery: (delivery) => this.#take(delivery) })
      .then(async ({ received, end }) => {
        if (received === batch || this.#free <= 0) {
          this.#lanes.setBusy(lane)
          this.#wake()
          return
        }
        if (end === 'gone') await this.#findLanesAgain(lane)
        if (end === 'early') await sleep(BROKER_AWAY_MS)
        if (lane.state !== 'gone') this.#awaitNext(lane)
      })
      .catch((error: unknown) => this.#deps.log.error({ err: error }, 'waiting for a lane failed'))
  }

  /** Looks for the type's lanes again: somebody may have changed them, or the broker is away. */
  async #findLanesAgain(lane: Lane): Promise<void> {
    await sleep(BROKER_AWAY_MS)
    await this.#findLanes(lane.type).catch((error: unknown) =>
      this.#deps.log.debug({ err: error, type: lane.type }, 'could not list the lanes of a type'),
    )
    this.#wake()
  }

  async #findLanes(type: string): Promise<void> {
    const trustAfter = this.#deps.exclusive.look(type)
    const { priorities, aloneSince } = await this.#deps.findLanes(type)
    // No lanes at all: the type is between two shapes, or was removed. The old names then stay, and are asked again.
    if (priorities.length === 0) return
    this.#lanes.setLanes(type, priorities)
    // Not waited for: until it is known, every start is stored first.
    if (aloneSince !== null) void this.#endLook(type, aloneSince, trustAfter)
  }

  #endLook(type: string, aloneSince: number, trustAfter: (seq: number) => void): Promise<void> {
    const { brokerStart, log } = this.#deps
    return this.#untilItWorks(
      async () => trustAfter(Math.max(aloneSince, await brokerStart.lastSeq(), await this.#deps.lastCancel(type))),
      (error, isFirst) =>
        log[isFirst ? 'warn' : 'debug'](
          { err: error, type },
          'could not learn from which message on a delivery is the only one, will retry',
        ),
    )
  }

  #take(delivery: Delivery): void {
    if (this.#stopped || this.#free <= 0) {
      this.#deps.puller.nak(delivery)
      return
    }
    const running = runJob(this.#deps, delivery, this.#held)
      .catch((error: unknown) => {
        // Neither acked nor handed back: the delivery comes again after the lease.
        this.#deps.log.error({ err: error, subject: delivery.subject }, 'run failed before an outcome was stored')
      })
      .finally(() => {
        this.#running.delete(running)
        this.#wake()
      })
    this.#running.add(running)
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
