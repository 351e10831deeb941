import type { LiveType } from '#shared/contracts/http/live.ts'

/** A backlog that grows. */
export interface Growing {
  type: string
  waiting: number
  before: number
  seconds: number
}

/** Looks that are kept, one a second. */
const LOOKS = 30
/** Fewer jobs are no backlog: they may have come together. */
const LEAST = 100
/** How much a backlog must have grown to count, so that a busy type is not said to fall behind. */
const GROWTH = 1.25

/** How many jobs of each type waited at the last looks. */
export class Backlogs {
  #looks: ReadonlyMap<string, number>[] = []

  /** Adds a look. @returns the type whose backlog has grown most, where one has steadily */
  look(types: [string, Pick<LiveType, 'waiting' | 'state'>][]): Growing | null {
    // A type that is paused is meant to have a backlog.
    const known = types.filter(([, { waiting, state }]) => waiting !== null && state !== 'paused')
    const now = new Map(known.map(([name, { waiting }]) => [name, waiting ?? 0]))
    this.#looks = [...this.#looks, now].slice(-LOOKS)
    if (this.#looks.length < LOOKS) return null
    const [oldest, middle] = [this.#looks[0], this.#looks[LOOKS / 2]]
    let most: Growing | null = null
    for (const [type, waiting] of now) {
      const before = oldest?.get(type) ?? 0
      const between = middle?.get(type) ?? 0
      const isGrowing = waiting >= LEAST && waiting > between && between > before && waiting > before * GROWTH
      if (isGrowing && (most === null || waiting - before > most.waiting - most.before))
        most = { type, waiting, before, seconds: LOOKS - 1 }
    }
    return most
  }
}
