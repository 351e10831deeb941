import type { ConsumerPuller, Delivery } from '#shared/bus/puller.ts'
import { type LanePriority, laneName } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import { sleep } from '#shared/time/clock.ts'

const IDLE_WAIT_MS = 5_000
const TRY_AGAIN_MS = 250

export interface LendLoopDeps {
  puller: Pick<ConsumerPuller, 'pull' | 'end' | 'nudge'>
  findLanes(): Promise<LanePriority[]>
  /** How many jobs of the type the open claims take. */
  room(): number
  take(delivery: Delivery): void
  /** A look at all lanes begins. @returns ends it */
  beginLook(): () => void
  log: Logger
}

/**
 * Takes the jobs of one type for as long as somebody asks for them, and never more than are asked for: nothing is
 * fetched in advance, so that a limit counts jobs that run. While the lanes are empty, one long pull waits at each.
 */
export class LendLoop {
  readonly #type: string
  readonly #deps: LendLoopDeps
  #lanes: LanePriority[] = []
  #isStopped = false
  #isRunning = false
  #isLooking = false
  #isWaiting = false
  /** Looks at the lanes again, because they may have changed. */
  #isStale = true

  constructor(type: string, deps: LendLoopDeps) {
    this.#type = type
    this.#deps = deps
  }

  get isLooking(): boolean {
    return this.#isLooking
  }

  /** Called when a claim came. */
  wake(): void {
    // A pull waits at every lane, so all of them are empty.
    if (this.#isWaiting) this.#deps.beginLook()()
    else if (!this.#isRunning) void this.#run()
  }

  /** Called when no claim asks for the type any more: what is on its way is handed back. */
  rest(): void {
    if (this.#isWaiting && this.#deps.room() <= 0) this.#endPulls()
  }

  /** Called when the lanes of the type were changed or resumed. */
  lanesChanged(): void {
    this.#isStale = true
    if (!this.#isWaiting) return
    for (const lane of this.#lanes) this.#deps.puller.nudge(laneName(this.#type, lane))
    this.#endPulls()
  }

  stop(): void {
    this.#isStopped = true
    this.#endPulls()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      while (!this.#isStopped && this.#deps.room() > 0) await this.#round()
    } finally {
      this.#isRunning = false
    }
  }

  async #round(): Promise<void> {
    try {
      if (this.#isStale) await this.#findLanes()
      const found = await this.#look()
      if (found === 0 && this.#deps.room() > 0) await this.#awaitFirst()
    } catch (error) {
      this.#deps.log.warn({ err: error, type: this.#type }, 'could not ask for the jobs of a type, will retry')
      await sleep(TRY_AGAIN_MS)
    }
  }

  async #findLanes(): Promise<void> {
    this.#isStale = false
    const lanes = await this.#deps.findLanes()
    if (lanes.length > 0) this.#lanes = lanes
    if (this.#lanes.length === 0) {
      this.#isStale = true
      throw new Error('the type has no lanes')
    }
  }

  /** Asks each lane once, the highest priority first. @returns how many jobs came */
  async #look(): Promise<number> {
    this.#isLooking = true
    const endLook = this.#deps.beginLook()
    let found = 0
    try {
      for (const lane of this.#lanes) {
        const batch = this.#deps.room()
        if (batch <= 0 || this.#isStopped) break
        const consumer = laneName(this.#type, lane)
        const { received, end } = await this.#deps.puller.pull({
          consumer,
          batch,
          waitMs: 0,
          onDelivery: (delivery) => this.#deps.take(delivery),
        })
        if (end === 'gone') this.#isStale = true
        found += received
      }
    } finally {
      this.#isLooking = false
      endLook()
    }
    return found
  }

  /** Waits at every lane until one has a job, the lanes change, or nobody asks any more. */
  async #awaitFirst(): Promise<void> {
    this.#isWaiting = true
    try {
      const pulls = this.#lanes.map(async (lane) => {
        const consumer = laneName(this.#type, lane)
        const { end } = await this.#deps.puller.pull({
          consumer,
          batch: 1,
          waitMs: IDLE_WAIT_MS,
          onDelivery: (delivery) => this.#deps.take(delivery),
        })
        if (end !== 'gone' && end !== 'early') return
        this.#isStale = true
        await sleep(TRY_AGAIN_MS)
      })
      await Promise.race(pulls)
    } finally {
      this.#isWaiting = false
      this.#endPulls()
    }
  }

  #endPulls(): void {
    for (const lane of this.#lanes) this.#deps.puller.end(laneName(this.#type, lane))
  }
}
