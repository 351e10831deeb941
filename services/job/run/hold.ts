import type { JobError } from '#shared/contracts/log/job.ts'
import type { JobAddress } from '#shared/contracts/log/subjects.ts'

/** Why a worker lets go of a job before its handler has ended. */
export type LetGo =
  /** This process ends: hand the job back. `isSuspect`: it may be this job's code that ends it. */
  | { kind: 'drain'; isSuspect: boolean }
  /** Somebody ended the job: nothing is left to publish. */
  | { kind: 'ended-elsewhere' }
  /** Code of this job threw where nobody could catch it, and this process ends. */
  | { kind: 'crashed'; error: JobError }

/**
 * A job that this process holds, as others in it see it. It is asked to let go once; whoever runs the attempt then
 * publishes `job:released`, or nothing where the job has ended, instead of going on.
 */
export class Hold {
  readonly job: JobAddress
  /** Stream sequence of the trigger it was taken by: what happened before does not concern it. */
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

  /** This process ends. @returns resolves when the job is out of this worker's hands */
  handBack(isSuspect = false): Promise<void> {
    this.#ask({ kind: 'drain', isSuspect })
    return this.settled
  }

  /** The job has ended elsewhere: its handler is told to stop. */
  end(): void {
    this.#ask({ kind: 'ended-elsewhere' })
  }

  /** The job is to blame for the end of this process. */
  crash(error: JobError): void {
    this.#ask({ kind: 'crashed', error })
  }

  /** Resolves when the job is out of this worker's hands. */
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
