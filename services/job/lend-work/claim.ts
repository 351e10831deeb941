import type { LentJob } from '#shared/contracts/http/work.ts'

export interface ClaimOptions {
  workerId: string
  types: readonly string[]
  max: number
  leaseMs: number
  /** Milliseconds to wait for the first job; 0: whatever one look at the lanes brings. */
  waitMs: number
}

/** Whether the pull loops of these types are in the middle of a look at their lanes. */
export type IsLooking = (types: readonly string[]) => boolean

/** How long one look at the lanes may take. */
const LOOK_WITHIN_MS = 2_000
/** An answer must fit into one message of the broker, the largest job included. */
const MAX_BYTES = 1024 * 1024

/** A worker's open question for jobs: gathers what is there, and is answered once. */
export class Claim {
  readonly options: ClaimOptions
  readonly #isLooking: IsLooking
  readonly #answer = Promise.withResolvers<LentJob[]>()
  readonly #jobs: LentJob[] = []
  /** Bytes of the jobs that it has or will have. */
  #bytes = 0
  /** Types whose lanes were looked at since the claim came. */
  readonly #looked = new Set<string>()
  #starting = 0
  #isOver = false
  #isOpen = true
  #timer: NodeJS.Timeout

  constructor(options: ClaimOptions, isLooking: IsLooking) {
    this.options = options
    this.#isLooking = isLooking
    this.#timer = setTimeout(() => this.end(), options.waitMs || LOOK_WITHIN_MS)
  }

  /** Resolves with the jobs when it is answered. */
  get answer(): Promise<LentJob[]> {
    return this.#answer.promise
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** How many more jobs it takes. */
  get room(): number {
    const isTaking = this.#isOpen && !this.#isOver && this.#bytes < MAX_BYTES
    return isTaking ? this.options.max - this.#jobs.length - this.#starting : 0
  }

  /**
   * Keeps a place for a job that is about to start.
   * @param bytes of the job
   * @returns gives the place a job, or gives it up
   */
  reserve(bytes: number): (job: LentJob | null) => boolean {
    this.#starting++
    this.#bytes += bytes
    return (job) => {
      this.#starting--
      const isTaken = job !== null && this.#isOpen
      if (isTaken) this.#jobs.push(job)
      this.settle()
      return isTaken
    }
  }

  /** Called when the lanes of a type were looked at from first to last since the claim came. */
  looked(type: string): void {
    this.#looked.add(type)
  }

  /** Takes no more jobs: answers as soon as those that start now have started. */
  end(): void {
    this.#isOver = true
    this.settle()
  }

  /** Waits this many milliseconds from now, instead of longer. */
  waitAtMost(waitMs: number): void {
    if (!this.#isOpen || waitMs >= this.options.waitMs) return
    clearTimeout(this.#timer)
    if (waitMs === 0) this.end()
    else this.#timer = setTimeout(() => this.end(), waitMs)
  }

  /** The worker is gone: no job that starts from now on is its. @returns the jobs that it was to get */
  abandon(): LentJob[] {
    if (!this.#isOpen) return []
    this.#close([])
    return this.#jobs
  }

  /** Answers if nothing more is to come. */
  settle(): void {
    if (!this.#isOpen || this.#starting > 0) return
    const { max, types, waitMs } = this.options
    const isFull = this.#jobs.length >= max || this.#bytes >= MAX_BYTES
    const hasAllThereIs = this.#jobs.length > 0 && !this.#isLooking(types)
    const hasLooked = waitMs === 0 && types.every((type) => this.#looked.has(type))
    if (this.#isOver || isFull || hasAllThereIs || hasLooked) this.#close(this.#jobs)
  }

  #close(jobs: LentJob[]): void {
    this.#isOpen = false
    clearTimeout(this.#timer)
    this.#answer.resolve(jobs)
  }
}
