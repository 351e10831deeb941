import type { HeldList } from '#shared/bus/held-list.ts'

/** A worker that is not watched from here and was not heard for this long is forgotten. */
const FORGET_MS = 60_000

/** Another worker, as its last list tells. */
export interface Neighbour {
  workerId: string
  serverId: string
  /** Ack subjects of the deliveries that it held then. */
  held: string[]
  heardMs: number
}

/**
 * The other workers in the order of their ids, from this one's on. Each watches those that come next, so that the
 * number of questions grows with the workers, and not with their square.
 */
export class WorkerRing {
  readonly #ownId: string
  readonly #others = new Map<string, Neighbour>()
  #order: Neighbour[] = []

  constructor(ownId: string) {
    this.#ownId = ownId
  }

  hear({ worker_id: workerId, state, server_id: serverId, held }: HeldList, nowMs: number): void {
    if (workerId === this.#ownId) return
    if (state !== 'here') {
      this.remove(workerId)
      return
    }
    const known = this.#others.get(workerId)
    if (known !== undefined) {
      Object.assign(known, { serverId, held, heardMs: nowMs })
      return
    }
    this.#others.set(workerId, { workerId, serverId, held, heardMs: nowMs })
    this.#sort()
  }

  has(neighbour: Neighbour): boolean {
    return this.#others.get(neighbour.workerId) === neighbour
  }

  /**
   * This worker's share of the jobs of another one, which may hold one more since its last list. With fewer jobs than
   * workers, those that come next after the other one have one each: all would only be in each other's way.
   */
  shareOf(workerId: string): number {
    const held = this.#others.get(workerId)?.held.length ?? 0
    const share = Math.ceil(held / Math.max(1, this.#others.size))
    if (share > 1) return share
    const ids = [this.#ownId, ...this.#others.keys()].toSorted()
    const place = (ids.indexOf(this.#ownId) - ids.indexOf(workerId) + ids.length) % ids.length
    return place <= held + 1 ? 1 : 0
  }

  remove(workerId: string): void {
    if (this.#others.delete(workerId)) this.#sort()
  }

  /** The next workers, a frozen one included: it may still die. */
  next(count: number): Neighbour[] {
    return this.#order.slice(0, count)
  }

  /** Forgets the workers that were not heard for long, except those that are watched. */
  forgetOld(nowMs: number, watched: number): void {
    for (const { workerId, heardMs } of this.#order.slice(watched)) {
      if (nowMs - heardMs > FORGET_MS) this.remove(workerId)
    }
  }

  #sort(): void {
    const all = [...this.#others.values()].toSorted((a, b) => (a.workerId < b.workerId ? -1 : 1))
    const first = all.findIndex(({ workerId }) => workerId > this.#ownId)
    this.#order = first === -1 ? all : [...all.slice(first), ...all.slice(0, first)]
  }
}
