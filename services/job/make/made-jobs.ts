import type { Child } from '#shared/contracts/log/job.ts'
import { CHILDREN_MAX } from '#shared/contracts/log/limits.ts'
import { PermanentError } from '../handlers/handler.ts'

/** The jobs that one job has made: those of its earlier attempts that its trigger names, and those of this one. */
export class MadeJobs {
  readonly #made: Map<string, Child>
  readonly #underWay = new Map<string, Promise<Child>>()

  constructor(before: readonly Child[]) {
    this.#made = new Map(before.map((child) => [child.name, child]))
  }

  get isEmpty(): boolean {
    return this.#made.size === 0
  }

  list(): Child[] {
    return [...this.#made.values()]
  }

  /**
   * Makes a job once for each name; calls at the same time share one try.
   * @throws what `make` throws; PermanentError beyond the limit
   */
  async once(name: string, make: () => Promise<Child>): Promise<Child> {
    const known = this.#made.get(name) ?? this.#underWay.get(name)
    if (known !== undefined) return known
    if (this.#made.size + this.#underWay.size >= CHILDREN_MAX)
      throw new PermanentError(`a job makes at most ${CHILDREN_MAX} others`)
    const making = make()
    this.#underWay.set(name, making)
    try {
      const child = await making
      this.#made.set(name, child)
      return child
    } finally {
      this.#underWay.delete(name)
    }
  }
}
