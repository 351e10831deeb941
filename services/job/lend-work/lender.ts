import type { JobTypes } from '#shared/accept/job-types.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import type { WorkAnswers } from '#shared/bus/work-calls.ts'
import {
  CLAIM_KEPT_MS,
  type ClaimWorkBody,
  type LentJob,
  type SettledWork,
  type Settlement,
} from '#shared/contracts/http/work.ts'
import { jobInLog } from '#shared/contracts/log/job-spec.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { isoTime, SECOND, sleep } from '#shared/time/clock.ts'
import { Remembered } from '#shared/time/remembered.ts'
import { startAttemptSpan } from '../run/attempt-span.ts'
import { JobRun } from '../run/job-run.ts'
import { readTrigger } from '../run/run-job.ts'
import { type Answer, Answers } from './answers.ts'
import { Claims, type Place } from './claims.ts'
import { extendLease, moveLease } from './extend-lease.ts'
import type { LendDeps } from './lend-deps.ts'
import type { LentAttempt } from './lent-attempt.ts'
import type { LentTable } from './lent-table.ts'
import { settleLease } from './settle-lease.ts'
import { startLent } from './start-lent.ts'

export interface LenderDeps extends LendDeps {
  table: LentTable
  types: Pick<JobTypes, 'get' | 'known'>
  /** Ends an attempt whose time is up. */
  timeOut(attempt: LentAttempt): Promise<void>
}

/** What shows that a worker has its lease. */
const ARRIVED: ReadonlySet<string> = new Set(['finished', 'failed', 'retrying', 'released'])
const KEPT_MAX = 10_000
const STARTING_MS = 5 * SECOND

/** Lends jobs to workers that ask over HTTP, through an api. */
export class Lender implements WorkAnswers {
  readonly #deps: LenderDeps
  readonly #claims: Claims
  readonly #answers: Answers
  /** What became of leases, for calls that are repeated. */
  readonly #settled: Remembered<Promise<SettledWork>>
  readonly #starting = new Set<Promise<void>>()
  #isDraining = false

  constructor(deps: LenderDeps) {
    this.#deps = deps
    this.#claims = new Claims({ ...deps, start: (delivery, place) => this.#start(delivery, place) })
    this.#answers = new Answers(deps.clock)
    this.#settled = new Remembered(deps.clock, { keptMs: CLAIM_KEPT_MS, max: KEPT_MAX })
  }

  readonly claim: WorkAnswers['claim'] = async ({ call_id, body }) => {
    const answer = this.#answers.of(call_id, body, (opened) => this.#lend(opened, body))
    let leave = (): void => undefined
    try {
      // Whoever is refused is no worker.
      for (const type of body.types) await this.#checkType(type)
      leave = await this.#deps.workers.enter(body)
      const [{ settled }, jobs] = await Promise.all([this.settle({ items: body.settle }), answer.jobs])
      return { settled, jobs, draining: this.#isDraining && jobs.length === 0 }
    } catch (error) {
      // Nobody would get the jobs.
      await this.gone({ call_id })
      throw error
    } finally {
      leave()
      this.#answers.answered(call_id)
    }
  }

  readonly gone: WorkAnswers['gone'] = async ({ call_id }) => {
    const answer = this.#answers.leave(call_id)
    if (answer !== null) await this.#handBack([...(answer.claim?.abandon() ?? []), ...answer.given])
    return null
  }

  readonly extend: WorkAnswers['extend'] = async ({ worker_id, leases, lease_s }) => {
    this.#deps.workers.saw(worker_id)
    const extending = leases.map(({ lease, progress }) =>
      extendLease(this.#deps, { lease, leaseMs: lease_s * SECOND, progress: progress ?? null }),
    )
    const answers = await Promise.all(extending)
    for (const { status, job_id: jobId } of answers) if (status === 'ok' && jobId !== null) this.#answers.arrived(jobId)
    return { leases: answers }
  }

  readonly settle: WorkAnswers['settle'] = async ({ items }) => {
    const settled = await Promise.all(items.map((item) => this.#settleOnce(item)))
    for (const { status, job_id: jobId } of settled)
      if (ARRIVED.has(status) && jobId !== null) this.#answers.arrived(jobId)
    return { settled }
  }

  lanesChanged(type: string): void {
    this.#claims.lanesChanged(type)
  }

  /** Called when a worker let a lease run out: it may be frozen, or cut off, with a claim that is still open. */
  leaseLost(workerId: string): void {
    this.#claims.leaseLost(workerId)
  }

  /** Answers all claims; jobs that were lent stay with their workers. */
  async stop(): Promise<void> {
    this.#isDraining = true
    this.#claims.stop()
    await Promise.race([Promise.all(this.#starting), sleep(STARTING_MS)])
    this.#deps.table.stop()
  }

  async #lend(answer: Answer, body: ClaimWorkBody): Promise<LentJob[]> {
    const types = [...new Set(body.types)]
    for (const type of types) await this.#checkType(type)
    if (this.#isDraining || answer.isGone) return []
    answer.claim = this.#claims.open({
      workerId: body.worker_id,
      types,
      max: body.max,
      leaseMs: body.lease_s * SECOND,
      waitMs: answer.waitMs,
    })
    return answer.claim.answer
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
        place.give(null)
      })
      .finally(() => this.#starting.delete(starting))
    this.#starting.add(starting)
  }

  async #startFor(delivery: Delivery, place: Place): Promise<void> {
    const deps = this.#deps
    const { table } = deps
    const spec = await readTrigger(deps, delivery)
    if (spec === null || this.#isKnown(spec.job_id, delivery)) {
      place.give(null)
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
        place.give(null)
        return
      }
      const { attempt } = started
      this.#tellStart(attempt)
      run.span = startAttemptSpan(deps, run, attempt.attempt, workerId)
      const job = attempt.handOut(deps, started.secret)
      // The broker may have been away for as long as a lease.
      const isFresh = attempt.lease.untilMs - deps.clock.now() > leaseMs / 2 || (await this.#renew(attempt, leaseMs))
      const fresh = { ...job, lease_until: isoTime(attempt.lease.untilMs) }
      if (!isFresh || !place.give(fresh)) {
        if (!isFresh) place.give(null)
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
    log.info({ ...jobInLog(spec), attempt, http_worker: workerId }, 'attempt started')
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
