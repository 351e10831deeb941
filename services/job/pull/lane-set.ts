import { PRIORITIES } from '#shared/contracts/log/job.ts'
import { type LanePriority, laneName } from '#shared/contracts/log/subjects.ts'
import type { Clock } from '#shared/time/clock.ts'

export interface Lane {
  consumer: string
  type: string
  rank: number
  /**
   * *idle*: a long pull waits at the broker. *busy*: the lane had more than was requested. *gone*: the type no longer
   * has the lane.
   */
  state: 'idle' | 'busy' | 'gone'
  /** When the lane was last asked, or became busy. */
  waitsSinceMs: number
}

/** The single lane of a limited type ranks with normal priority. */
const rankOf = (priority: LanePriority): number => PRIORITIES.indexOf(priority === 'any' ? 'normal' : priority)

/** Knows the lanes that a worker takes from, and which of those with more jobs comes next. */
export class LaneSet {
  readonly #clock: Clock
  readonly #ageingMs: number
  #lanes: Lane[] = []

  /** @param ageingMs a lane gains one priority level for each such time that it is passed over */
  constructor(clock: Clock, ageingMs: number) {
    this.#clock = clock
    this.#ageingMs = ageingMs
  }

  get size(): number {
    return this.#lanes.length
  }

  /** Sets a type's current lanes. New ones are busy: nobody has looked into them yet. */
  setLanes(type: string, priorities: LanePriority[]): void {
    const wanted = new Map(priorities.map((priority) => [laneName(type, priority), priority]))
    for (const lane of this.#lanes) if (lane.type === type && !wanted.has(lane.consumer)) lane.state = 'gone'
    this.#lanes = this.#lanes.filter(({ state }) => state !== 'gone')
    for (const [consumer, priority] of wanted) {
      if (this.#lanes.some((lane) => lane.consumer === consumer)) continue
      const waitsSinceMs = this.#clock.monotonic()
      this.#lanes.push({ consumer, type, rank: rankOf(priority), state: 'busy', waitsSinceMs })
    }
  }

  of(type: string): Lane[] {
    return this.#lanes.filter((lane) => lane.type === type)
  }

  setBusy(lane: Lane): void {
    if (lane.state === 'gone') return
    lane.state = 'busy'
    lane.waitsSinceMs = this.#clock.monotonic()
  }

  /**
   * The busy lane to ask next: the highest priority first, among equals the one asked longest ago. A lane that was
   * passed over for long rises, so that none is starved; it then gets one slot and not all of them.
   */
  next(): { lane: Lane; isAged: boolean } | null {
    const now = this.#clock.monotonic()
    const agedRank = (lane: Lane) => lane.rank - Math.floor((now - lane.waitsSinceMs) / this.#ageingMs)
    let best: Lane | undefined
    let lowest = Number.POSITIVE_INFINITY
    for (const lane of this.#lanes) {
      if (lane.state !== 'busy') continue
      lowest = Math.min(lowest, lane.rank)
      if (best === undefined || agedRank(lane) < agedRank(best)) best = lane
    }
    if (best === undefined) return null
    best.waitsSinceMs = now
    this.#lanes.push(...this.#lanes.splice(this.#lanes.indexOf(best), 1))
    return { lane: best, isAged: best.rank > lowest }
  }
}
