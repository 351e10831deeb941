import { CLAIM_KEPT_MS, type ClaimWorkBody, type LentJob, WORK_MAX } from '#shared/contracts/http/work.ts'
import { type Clock, SECOND } from '#shared/time/clock.ts'
import { Remembered } from '#shared/time/remembered.ts'
import type { Claim } from './claim.ts'

/** Answers of up to a megabyte each. */
const ANSWERS_MAX = 500
/** Time after an answer in which the api may still find that its caller is gone. */
const GONE_WITHIN_MS = 5 * SECOND

/** The jobs that one call gets, or several with the same `claim_id`. */
export interface Answer {
  readonly key: string
  /** The calls whose callers still wait, or have just been answered. */
  readonly calls: Set<string>
  readonly jobs: Promise<LentJob[]>
  claim: Claim | null
  /** The shortest wait for a job that one of the calls asked for. */
  waitMs: number
  /** The jobs, once they are known. */
  given: LentJob[]
  /** Nobody is there to get them. */
  isGone: boolean
}

/** The answers to calls for jobs, kept until the worker shows that it has them: a repeated call gets the same one. */
export class Answers {
  /** Answers by the api's names for the calls. */
  readonly #byCall = new Map<string, Answer>()
  readonly #byKey: Remembered<Answer>
  /** The key of the answer that a job is in, by the job's id. */
  readonly #keyOf: Remembered<string>

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#byKey = new Remembered(clock, { keptMs: CLAIM_KEPT_MS, max: ANSWERS_MAX })
    this.#keyOf = new Remembered(clock, { keptMs: CLAIM_KEPT_MS, max: WORK_MAX * ANSWERS_MAX })
  }

  /**
   * The answer to a call: that of an earlier call of the same worker for the same types with the same `claim_id`, or a new
   * one.
   */
  of(callId: string, body: ClaimWorkBody, lend: (answer: Answer) => Promise<LentJob[]>): Answer {
    const isRepeatable = body.claim_id !== undefined
    const waitMs = body.max === 0 ? 0 : body.wait_s * SECOND
    const key = [body.worker_id, body.claim_id ?? callId, ...body.types.toSorted()].join(' ')
    const before = isRepeatable ? this.#byKey.get(key) : undefined
    if (before !== undefined) {
      before.calls.add(callId)
      // Whoever repeats a call may be about to stop: it waits no longer than it says now.
      before.waitMs = Math.min(before.waitMs, waitMs)
      before.claim?.waitAtMost(before.waitMs)
      this.#byCall.set(callId, before)
      return before
    }
    const jobs = Promise.withResolvers<LentJob[]>()
    // Whoever waits for it is told; until then nobody listens.
    jobs.promise.catch(() => undefined)
    const answer: Answer = {
      key,
      calls: new Set([callId]),
      jobs: jobs.promise,
      claim: null,
      waitMs,
      given: [],
      isGone: false,
    }
    this.#byCall.set(callId, answer)
    if (isRepeatable) this.#byKey.set(key, answer)
    lend(answer).then(
      (given) => {
        answer.given = given
        // A call that got nothing may be made anew; jobs are kept from now on.
        if (given.length === 0) this.#forget(answer)
        else if (isRepeatable) this.#keep(answer)
        jobs.resolve(given)
      },
      (error: unknown) => {
        this.#forget(answer)
        jobs.reject(error)
      },
    )
    return answer
  }

  /** Called when a call was answered. */
  answered(callId: string): void {
    setTimeout(() => this.#byCall.delete(callId), GONE_WITHIN_MS).unref()
  }

  /** Called when the caller is gone. @returns the answer that nobody waits for any more; null where somebody does */
  leave(callId: string): Answer | null {
    const answer = this.#byCall.get(callId)
    this.#byCall.delete(callId)
    answer?.calls.delete(callId)
    if (answer === undefined || answer.calls.size > 0) return null
    answer.isGone = true
    this.#forget(answer)
    return answer
  }

  /** Called when the worker named the lease of a job: it has the answer, and nobody will ask for that again. */
  arrived(jobId: string): void {
    const key = this.#keyOf.get(jobId)
    if (key === undefined) return
    this.#byKey.delete(key)
    this.#keyOf.delete(jobId)
  }

  #keep(answer: Answer): void {
    this.#byKey.set(answer.key, answer)
    for (const { job_id: jobId } of answer.given) this.#keyOf.set(jobId, answer.key)
  }

  #forget(answer: Answer): void {
    if (this.#byKey.get(answer.key) === answer) this.#byKey.delete(answer.key)
  }
}
