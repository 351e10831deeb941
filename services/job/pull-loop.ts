import type { Delivery } from '#shared/bus/lane-puller.ts'
import { lanePriorities } from '#shared/bus/topology.ts'
import { PRIORITIES } from '#shared/contracts/job.ts'
import { type LanePriority, laneName } from '#shared/contracts/subjects.ts'
import { sleep } from '#shared/runtime/clock.ts'
import { typeInfo } from './handlers/load-handlers.ts'
import type { Hold } from './hold.ts'
import { runJob } from './run-job.ts'
import type { WorkerDeps } from './worker-deps.ts'

// States of a lane: *idle*, a long pull waits at the broker and takes what comes first, up to this lane's share of the
// free slots; *busy*, it has more than was asked for, so it is asked again whenever slots are free, in order of
// priority, until it gives less. A lane that could not be asked because every slot was taken is busy too.

interface Lane {
  consumer: string
  rank: number
  state: 'idle' | 'busy'
}

const IDLE_WAIT_MS = 5_000
const BROKER_AWAY_MS = 250

/** Takes from the lanes what the slots can hold and runs it. What arrives beyond the slots goes straight back. */
export class PullLoop {
  readonly #deps: WorkerDeps
  readonly #slots: number
  readonly #lanes: Lane[]
  readonly #held = new Map<string, Hold>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false
  #loop: Promise<void> = Promise.resolve()
  #wake: () => void = () => undefined

  constructor(deps: WorkerDeps, slots: number) {
    this.#deps = deps
    this.#slots = slots
    const lanes = [...deps.handlers.values()].flatMap((handler) =>
      lanePriorities(typeInfo(handler)).map((priority) => ({ type: handler.type, priority })),
    )
    this.#lanes = lanes.map(({ type, priority }) => ({
      consumer: laneName(type, priority),
      rank: rankOf(priority),
      state: 'busy',
    }))
  }

  get held(): ReadonlyMap<string, Hold> {
    return this.#held
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** Takes nothing more; what was taken runs on. */
  async stop(): Promise<void> {
    this.#stopped = true
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
      const lane = this.#free > 0 ? this.#nextBusy() : undefined
      if (lane === undefined) await this.#untilWoken()
      else await this.#ask(lane)
    }
  }

  /** Busy lanes by priority; of equals the one asked longest ago, which is the first in the list. */
  #nextBusy(): Lane | undefined {
    let best: Lane | undefined
    for (const lane of this.#lanes)
      if (lane.state === 'busy' && (best === undefined || lane.rank < best.rank)) best = lane
    return best
  }

  async #ask(lane: Lane): Promise<void> {
    this.#lanes.push(...this.#lanes.splice(this.#lanes.indexOf(lane), 1))
    const batch = this.#free
    const { received } = await this.#deps.puller.pull({
      consumer: lane.consumer,
      batch,
      waitMs: 0,
      onDelivery: (delivery) => this.#take(delivery),
    })
    if (received === batch) return
    lane.state = 'idle'
    this.#awaitNext(lane)
  }

  /** Keeps one long pull open for an idle lane. */
  #awaitNext(lane: Lane): void {
    if (this.#stopped) return
    const batch = Math.max(1, Math.floor(this.#free / this.#lanes.length))
    this.#deps.puller
      .pull({ consumer: lane.consumer, batch, waitMs: IDLE_WAIT_MS, onDelivery: (delivery) => this.#take(delivery) })
      .then(async ({ received, end }) => {
        if (received === batch || this.#free <= 0) {
          lane.state = 'busy'
          this.#wake()
          return
        }
        if (end === 'gone') await sleep(BROKER_AWAY_MS)
        this.#awaitNext(lane)
      })
      .catch((error: unknown) => this.#deps.log.error({ err: error }, 'waiting for a lane failed'))
  }

  #take(delivery: Delivery): void {
    if (this.#stopped || this.#free <= 0) {
      this.#deps.puller.nak(delivery)
      return
    }
    const running = runJob(this.#deps, delivery, this.#held)
      .catch((error: unknown) => {
        // Neither acked nor handed back: it comes again after the lease.
        this.#deps.log.error({ err: error, subject: delivery.subject }, 'running a job failed here')
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

/** The single lane of a limited type ranks with normal priority. */
const rankOf = (priority: LanePriority): number => PRIORITIES.indexOf(priority === 'any' ? 'normal' : priority)
