import type { JobError } from '#shared/contracts/log/job.ts'
import type { JobAddress } from '#shared/contracts/log/subjects.ts'

/** Why a worker lets go of a job before its handler has ended. */
export type LetGo =
  /** This process ends: hand the job back. `isSuspect`: this job's code may be the reason. */
  | { kind: 'drain'; isSuspect: boolean }
  /** Somebody ended the job: nothing is left to publish. */
  | { kind: 'ended-elsewhere' }
  /** The job's history continued without this attempt, whose start was refused. */
  | { kind: 'superseded' }
  /** The job's worker is gone, or ends because of this job's code; `delayMs`: until the next attempt, for the backoff. */
  | { kind: 'crashed'; error: JobError; delayMs?: number }

/**
 * A job that this process holds, as the rest of the process sees it. The job is asked to let go once; its attempt then
 * publishes `job:released`, or nothing where the job has ended or its history continued without this attempt, instead of
 * continuing.
 */
export class Hold {
  readonly job: JobAddress
  /** Stream sequence of the trigger that brought the job: earlier events do not concern it. */
  readonly seq: number
  readonly #asked = Promise.withResolvers<LetGo>()
  readonly #settled = Promise.withResolvers<void>()
  #isAsked = false

  constructor(job: JobAddress, seq: number) {
    this.job = job
    this.seq = seq
  }

  get isAsked(): boolean {
    return this.#isAsked
  }

  /** Resolves when the job should be let go. */
  get letGo(): Promise<LetGo> {
    return this.#asked.promise
  }

  /**
   * Hands the job back because this process ends. @returns a promise that resolves when this worker no longer holds the
   * job
   */
  handBack(isSuspect = false): Promise<void> {
    this.#ask({ kind: 'drain', isSuspect })
    return this.settled
  }

  /** Tells the handler to stop, because the job has ended elsewhere. */
  end(): void {
    this.#ask({ kind: 'ended-elsewhere' })
  }

  /** Tells the handler to stop, because its attempt came too late. */
  supersede(): void {
    this.#ask({ kind: 'superseded' })
  }

  /** Blames the job for the end of this process. */
  crash(error: JobError): void {
    this.#ask({ kind: 'crashed', error })
  }

  /** Resolves when this worker no longer holds the job. */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  settle(): void {
    this.#settled.resolve()
  }

  #ask(how: LetGo): void {
    this.#isAsked = true
    this.#asked.resolve(how)
  }
}
