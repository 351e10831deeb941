import type { StreamState } from '#shared/bus/stream.ts'
import { cannotStore } from '#shared/bus/write-probe.ts'
import { SUBJECTS_PER_JOB } from '#shared/contracts/log/limits.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import type { Logger } from '#shared/process/logger.ts'
import { SECOND } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'

export interface DoorOptions {
  /**
   * Asks for the reason why nothing new may come in, as text for people; null: new work may come in. Called once a
   * second.
   */
  whyFull: () => Promise<string | null>
  isBrokerUp: () => boolean
  /** Asks for the reason why nothing can be stored, as `whyFull` does. */
  whyNoRoom?: () => Promise<string | null>
  log: Logger
}

/** Decides whether new jobs and requests may come in: they are refused while the broker is away or near its limits. */
export class Door {
  readonly #options: DoorOptions
  readonly #loop: IntervalLoop
  #full: string | null = null
  #noRoom: string | null = null

  constructor(options: DoorOptions) {
    this.#options = options
    this.#loop = new IntervalLoop(1 * SECOND, () => this.#look(), this.#onError)
  }

  /** Looks once; a broker that is too busy to answer keeps no service from starting. */
  async start(): Promise<void> {
    await this.#look().catch(this.#onError)
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  get isShut(): boolean {
    return this.whyShut !== null
  }

  /** The reason why the door is shut, as text for people; null: new work may come in. */
  get whyShut(): string | null {
    return this.#noRoom ?? this.#full
  }

  /** @throws AppError `unavailable`, `cannot-store` */
  check(): void {
    if (!this.#options.isBrokerUp())
      throw unavailable('The broker cannot be reached, so nothing can be accepted. Try again.')
    if (this.#noRoom !== null) throw cannotStore(this.#noRoom)
    if (this.#full !== null) throw unavailable(this.#full)
  }

  readonly #onError = (error: unknown): void =>
    this.#options.log.debug({ err: error }, 'could not read the state of the log, will retry')

  /** Asks each question by itself: where one cannot be answered, the other still is. */
  async #look(): Promise<void> {
    const { whyFull, whyNoRoom } = this.#options
    const lookForRoom = async () => {
      this.#noRoom = (await whyNoRoom?.()) ?? null
    }
    const lookForLimits = async () => {
      this.#full = await whyFull()
    }
    await Promise.all([lookForRoom(), lookForLimits()])
  }
}

export interface LogLimits {
  maxBytes: number
  maxJobs: number
}

/** The reason why the log of jobs takes no new jobs; null: it takes them. */
export function whyLogFull(
  state: Pick<StreamState, 'bytes' | 'subjects'>,
  { maxBytes, maxJobs }: LogLimits,
): string | null {
  if (state.bytes >= maxBytes)
    return `The log holds ${state.bytes} bytes; the limit for new jobs is ${maxBytes}. Try again later.`
  return jobsInLog(state) >= maxJobs ? `The log is at its limit of ${maxJobs} jobs. Try again later.` : null
}

/** About how many jobs the log has: it counts subjects. */
export const jobsInLog = ({ subjects }: Pick<StreamState, 'subjects'>): number => subjects / SUBJECTS_PER_JOB
