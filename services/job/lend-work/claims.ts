import type { ConsumerPuller, Delivery } from '#shared/bus/puller.ts'
import type { LentJob } from '#shared/contracts/http/work.ts'
import { parseSubject } from '#shared/contracts/log/subjects.ts'
import { Claim, type ClaimOptions } from './claim.ts'
import type { LendDeps } from './lend-deps.ts'
import { LendLoop } from './lend-loop.ts'

/** The place of a job at a claim: takes the job, or null where nothing is to run. @returns whether the claim took it */
export type Place = { claim: Claim; give(job: LentJob | null): boolean }

/** What a job is told besides its own event. */
const LEASE_BYTES = 1_000

export interface ClaimsDeps extends Pick<LendDeps, 'findLanes' | 'log'> {
  puller: Pick<ConsumerPuller, 'pull' | 'end' | 'nudge' | 'nak'>
  /** Starts a job for a claim. */
  start(delivery: Delivery, place: Place): void
}

/** The open claims in the order in which they came, and the loops that ask the lanes for them. */
export class Claims {
  readonly #deps: ClaimsDeps
  readonly #open = new Set<Claim>()
  readonly #loops = new Map<string, LendLoop>()

  constructor(deps: ClaimsDeps) {
    this.#deps = deps
  }

  /** Opens a claim, which answers by itself. */
  open(options: ClaimOptions): Claim {
    const claim = new Claim(options, (types) => types.some((type) => this.#loops.get(type)?.isLooking === true))
    if (options.max === 0) {
      claim.end()
      return claim
    }
    this.#open.add(claim)
    void claim.answer.then(() => {
      this.#open.delete(claim)
      for (const type of options.types) this.#loops.get(type)?.rest()
    })
    for (const type of options.types) this.#loopOf(type).wake()
    return claim
  }

  lanesChanged(type: string): void {
    this.#loops.get(type)?.lanesChanged()
  }

  /** A worker was silent for too long: it gets what it was to get, and more only when it asks again. */
  leaseLost(workerId: string): void {
    for (const claim of this.#open) if (claim.options.workerId === workerId) claim.end()
  }

  /** Answers every claim with what it has. */
  stop(): void {
    for (const loop of this.#loops.values()) loop.stop()
    for (const claim of this.#open) claim.end()
  }

  #loopOf(type: string): LendLoop {
    const known = this.#loops.get(type)
    if (known !== undefined) return known
    const { puller, findLanes, log } = this.#deps
    const loop = new LendLoop(type, {
      puller,
      findLanes: async () => (await findLanes(type)).priorities,
      room: () => this.#claimsFor(type).reduce((sum, { room }) => sum + room, 0),
      take: (delivery) => this.#take(type, delivery),
      beginLook: () => {
        const claims = this.#claimsFor(type)
        return () => {
          for (const claim of claims) claim.looked(type)
          for (const claim of this.#open) claim.settle()
        }
      },
      log,
    })
    this.#loops.set(type, loop)
    return loop
  }

  #claimsFor = (type: string): Claim[] => [...this.#open].filter(({ options }) => options.types.includes(type))

  #take(type: string, delivery: Delivery): void {
    const claim = this.#claimsFor(type).find(({ room }) => room > 0)
    if (claim === undefined || parseSubject(delivery.subject)?.type !== type) {
      this.#deps.puller.nak(delivery)
      return
    }
    const give = claim.reserve(Buffer.byteLength(delivery.body) + LEASE_BYTES)
    this.#deps.start(delivery, {
      claim,
      give: (job) => {
        const isTaken = give(job)
        // Its place is free again, and the loop may have ended because there was none.
        if (claim.room > 0) this.#loopOf(type).wake()
        return isTaken
      },
    })
  }
}
