import type { JobTypes } from '#shared/accept/job-types.ts'
import { readLease } from '#shared/accept/lease.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import type { WorkAnswers } from '#shared/bus/work-calls.ts'
import {
  CLAIM_KEPT_MS,
  type ClaimWorkBody,
  type LentJob,
  type SettledWork,
  type Settlement,
  WORK_MAX,
  WORK_WAIT_MAX_S,
} from '#shared/contracts/http/work.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { isoTime, SECOND, sleep } from '#shared/time/clock.ts'
import { Remembered } from '#shared/time/remembered.ts'
import { JobRun } from '../run/job-run.ts'
import { readTrigger } from '../run/run-job.ts'
import type { Claim } from './claim.ts'
import { Claims, type Place } from './claims.ts'
import { extendLease, moveLease } from './extend-lease.ts'
import type { LendDeps } from './lend-deps.ts'
import type { LentAttempt } from './lent-attempt.ts'
import type { LentTable } from './lent-table.ts'
import { settleLease } from './settle-lease.ts'
import { startLent } from './start-lent.ts'

export interface LenderDeps extends LendDeps {
  table: LentTable
  types: Pick<JobTypes, 'get' | 'known' | 'refresh'>
  /** Ends an attempt whose time is up. */
  timeOut(attempt: LentAttempt): Promise<void>
}

/** Calls for jobs that get the same answer. */
interface Answering {
  key: string
  /** The calls whose callers still wait, or have just been answered. */
  calls: Set<string>
  claim: Claim | null
  jobs: Promise<LentJob[]>
  /** The jobs, once they are known. */
  given: LentJob[]
  isGone: boolean
}

const NO_JOBS: Promise<LentJob[]> = Promise.resolve([])
/** What shows that a worker has its lease. */
const ARRIVED: ReadonlySet<string> = new Set(['finished', 'failed', 'retrying', 'released'])
const KEPT_MAX = 10_000
/** Answers of up to a megabyte each. */
const ANSWERS_MAX = 500
const STARTING_MS = 5 * SECOND

/** Lends jobs to workers that ask over HTTP, through an api. */
export class Lender implements WorkAnswers {
  readonly #deps: LenderDeps
  readonly #claims: Claims
  /** Calls for jobs by the api's names for them, open ones and those that were answered a moment ago. */
  readonly #calls: Remembered<Answering>
  /** Answers by worker and `claim_id`, until the worker shows that it has one. */
  readonly #answers: Remembered<Answering>
  /** The key of the answer that a job is in, by the job's id. */
  readonly #answerOf: Remembered<string>
  /** What became of leases, for calls that are repeated. */
  readonly #settled: Remembered<Promise<SettledWork>>
  readonly #starting = new Set<Promise<void>>()
  #isDraining = false

  constructor(deps: LenderDeps) {
    this.#deps = deps
    this.#claims = new Claims({ ...deps, start: (delivery, place) => this.#start(delivery, place) })
    this.#calls = new Remembered(deps.clock, { keptMs: WORK_WAIT_MAX_S * SECOND + CLAIM_KEPT_MS, max: KEPT_MAX })
    this.#answers = new Remembered(deps.clock, { keptMs: CLAIM_KEPT_MS, max: ANSWERS_MAX })
    this.#answerOf = new Remembered(deps.clock, { keptMs: CLAIM_KEPT_MS, max: WORK_MAX * ANSWERS_MAX })
    this.#settled = new Remembered(deps.clock, { keptMs: CLAIM_KEPT_MS, max: KEPT_MAX })
  }

  readonly claim: WorkAnswers['claim'] = async ({ call_id, body }) => {
    const leave = await this.#deps.workers.enter(body)
    const answering = this.#answeringFor(call_id, body)
    try {
      const [{ settled }, jobs] = await Promise.all([this.settle({ items: body.settle }), answering.jobs])
      return { settled, jobs, draining: this.#isDraining && jobs.length === 0 }
    } catch (error) {
      // Nobody would get the jobs.
      await this.gone({ call_id })
      throw error
    } finally {
      leave()
    }
  }

  readonly gone: WorkAnswers['gone'] = async ({ call_id }) => {
    const answering = this.#calls.get(call_id)
    if (answering === undefined) return null
    answering.calls.delete(call_id)
    // The same claim, made again, waits for the same answer.
    if (answering.calls.size > 0) return null
    answering.isGone = true
    if (this.#answers.get(answering.key) === answering) this.#answers.delete(answering.key)
    await this.#handBack([...(answering.claim?.abandon() ?? []), ...answering.given])
    return null
  }

  readonly extend: WorkAnswers['extend'] = async ({ worker_id, leases, lease_s }) => {
    this.#deps.workers.saw(worker_id)
    const extending = leases.map(({ lease, progress }) =>
      extendLease(this.#deps, { lease, leaseMs: lease_s * SECOND, progress: progress ?? null }),
    )
    const answers = await Promise.all(extending)
    for (const { status, lease } of answers) if (status === 'ok') this.#hasArrived(lease)
    return { leases: answers }
  }

  readonly settle: WorkAnswers['settle'] = async ({ items }) => {
    const settled = await Promise.all(items.map((item) => this.#settleOnce(item)))
    for (const { status, lease } of settled) if (ARRIVED.has(status)) this.#hasArrived(lease)
    return { settled }
  }

  lanesChanged(type: string): void {
    this.#deps.types.refresh()
    this.#claims.lanesChanged(type)
  }

  /** Answers all claims; jobs that were lent stay with their workers. */
  async stop(): Promise<void> {
    this.#isDraining = true
    this.#claims.stop()
    await Promise.race([Promise.all(this.#starting), sleep(STARTING_MS)])
    this.#deps.table.stop()
  }

  /** The answer to a call: that of an earlier one with the same `claim_id`, or a new one. */
  #answeringFor(callId: string, body: ClaimWorkBody): Answering {
    const isRepeatable = body.claim_id !== undefined
    const key = [body.worker_id, body.claim_id ?? callId, ...body.types.toSorted()].join(' ')
    const before = isRepeatable ? this.#answers.get(key) : undefined
    if (before !== undefined) {
      before.calls.add(callId)
      this.#calls.set(callId, before)
      return before
    }
    const answering: Answering = { key, calls: new Set([callId]), claim: null, given: [], isGone: false, jobs: NO_JOBS }
    this.#calls.set(callId, answering)
    if (isRepeatable) this.#answers.set(key, answering)
    // A call that got nothing may be made anew.
    const forget = () => {
      if (this.#answers.get(key) === answering) this.#answers.delete(key)
    }
    answering.jobs = this.#lend(answering, body).then((jobs) => {
      answering.given = jobs
      if (jobs.length === 0) forget()
      else if (isRepeatable) this.#keep(key, answering)
      return jobs
    })
    answering.jobs.catch(forget)
    return answering
  }

  /** Keeps an answer from now on, for as long as it was promised. */
  #keep(key: string, answering: Answering): void {
    this.#answers.set(key, answering)
    for (const { job_id: jobId } of answering.given) this.#answerOf.set(jobId, key)
  }

  async #lend(answering: Answering, body: ClaimWorkBody): Promise<LentJob[]> {
    const types = [...new Set(body.types)]
    for (const type of types) await this.#checkType(type)
    if (this.#isDraining || answering.isGone) return []
    answering.claim = this.#claims.open({
      workerId: body.worker_id,
      types,
      max: body.max,
      leaseMs: body.lease_s * SECOND,
      waitMs: body.wait_s * SECOND,
    })
    return answering.claim.answer
  }

  /** @throws AppError `unknown-type`, `wrong-runner`, `unavailable` */
  async #checkType(type: string): Promise<void> {
    const { info } = await this.#deps.types.get(type)
    if (info.policy.runner === 'http') return
    throw new AppError(
      'wrong-runner',
      `Jobs of the type ${type} are run by a handler of the job service. PUT /v1/types/NAME registers a type for workers.`,
    )
  }

  #start(delivery: Delivery, place: Place): void {
    const starting = this.#startFor(delivery, place)
      .catch((error: unknown) => {
        // Neither acked nor handed back: the delivery comes again after the broker's wait.
        this.#deps.log.error({ err: error, subject: delivery.subject }, 'could not lend a job')
        place.fill(null)
      })
      .finally(() => this.#starting.delete(starting))
    this.#starting.add(starting)
  }

  async #startFor(delivery: Delivery, place: Place): Promise<void> {
    const { deps, table } = { deps: this.#deps, table: this.#deps.table }
    const spec = await readTrigger(deps, delivery)
    if (spec === null || this.#isKnown(spec.job_id, delivery)) {
      place.fill(null)
      return
    }
    const run = new JobRun(deps, delivery, spec)
    const hasStarted = table.starting(run)
    try {
      const { workerId, leaseMs } = place.claim.options
      const started = await startLent(deps, run, { workerId, leaseMs })
      if (started.kind !== 'nothing') table.add(started.attempt)
      if (started.kind === 'overdue') await deps.timeOut(started.attempt)
      if (started.kind !== 'lent' || run.hold.isAsked) {
        place.fill(null)
        return
      }
      const { attempt } = started
      this.#tellStart(attempt)
      const job = attempt.handOut(deps, started.secret)
      // The broker may have been away for as long as a lease.
      const isFresh = attempt.lease.untilMs - deps.clock.now() > leaseMs / 2 || (await this.#renew(attempt, leaseMs))
      const fresh = { ...job, lease_until: isoTime(attempt.lease.untilMs) }
      if (!isFresh || !place.fill(fresh)) {
        if (!isFresh) place.fill(null)
        await this.#handBack([job])
      }
    } finally {
      hasStarted()
    }
  }

  /** @returns whether the attempt has time left */
  async #renew(attempt: LentAttempt, leaseMs: number): Promise<boolean> {
    if (this.#deps.clock.now() >= attempt.lease.deadlineMs) return false
    return (await moveLease(this.#deps, attempt, leaseMs, null)) === null
  }

  #tellStart({ run: { spec }, attempt: { attempt }, workerId }: LentAttempt): void {
    const { clock, metrics, log } = this.#deps
    if (attempt === 1) {
      const waitedMs = Math.max(0, clock.now() - Date.parse(spec.created_at))
      metrics.waitSeconds.observe({ type: spec.type }, waitedMs / SECOND)
    }
    log.info({ job_id: spec.job_id, type: spec.type, attempt, http_worker: workerId }, 'job started')
  }

  /** Whether a delivery is a second one of a job that this process vouches for. */
  #isKnown(jobId: string, delivery: Delivery): boolean {
    const { metrics, table } = this.#deps
    const known = table.get(jobId)
    const run = known?.run ?? table.startingRun(jobId)
    if (run === undefined) return false
    if (run.delivery.seq === delivery.seq) {
      metrics.dropped.inc()
      run.redelivered(delivery)
      return true
    }
    // The job's history has continued without the attempt that is known here.
    if (known !== undefined) table.superseded(known, false)
    return false
  }

  /** A worker that names a lease has the answer which brought it: nobody will ask for it again. */
  #hasArrived(lease: string): void {
    const jobId = readLease(lease)?.job_id ?? ''
    const key = this.#answerOf.get(jobId)
    if (key === undefined) return
    this.#answers.delete(key)
    this.#answerOf.delete(jobId)
  }

  /** A repeated call gets the same answer, also after the job has gone on. */
  #settleOnce(item: Settlement): Promise<SettledWork> {
    const key = `${item.lease} ${item.complete === undefined ? (item.fail === undefined ? 'r' : 'f') : 'c'}`
    const before = this.#settled.get(key)
    if (before !== undefined) return before
    const settling = settleLease(this.#deps, item)
    this.#settled.set(key, settling)
    settling.catch(() => this.#settled.delete(key))
    return settling
  }

  async #handBack(jobs: readonly LentJob[]): Promise<void> {
    if (jobs.length === 0) return
    await this.settle({ items: jobs.map(({ lease }) => ({ lease, release: { delay_ms: 0 } })) })
    this.#deps.log.info({ jobs: jobs.length }, 'a worker went away before it got its jobs: they are handed back')
  }
}
