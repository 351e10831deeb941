import type { MakeRequest } from './make-request.ts'

/** The jobs that an attempt makes while it runs: its outcome tells of all of them, and it makes none afterwards. */
export class OpenMakes {
  readonly #make: (request: MakeRequest) => Promise<string>
  readonly #underWay = new Set<Promise<unknown>>()
  #isOpen = true

  constructor(make: (request: MakeRequest) => Promise<string>) {
    this.#make = make
  }

  /** @returns the id of the job */
  async make(request: MakeRequest): Promise<string> {
    if (!this.#isOpen) throw new Error('an attempt that has ended, or was told to stop, makes no more jobs')
    const making = this.#make(request)
    this.#underWay.add(making)
    try {
      return await making
    } finally {
      this.#underWay.delete(making)
    }
  }

  /** Ends the making, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isOpen = false
    if (this.#underWay.size > 0) await Promise.allSettled(this.#underWay)
  }
}
