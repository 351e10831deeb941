import type { JobTypes } from '#shared/accept/job-types.ts'
import { readLease } from '#shared/accept/lease.ts'
import type { Delivery } from '#shared/bus/puller.ts'
import type { WorkAnswers } from '#shared/bus/work-calls.ts'
import {
  CLAIM_KEPT_MS,
  type ClaimedWork,
  type ClaimWorkBody,
  type LentJob,
  type SettledWork,
  type Settlement,
  WORK_MAX,
} from '#shared/contracts/http/work.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { SECOND, sleep } from '#shared/time/clock.ts'
import { Remembered } from '#shared/time/remembered.ts'
import { JobRun } from '../run/job-run.ts'
import { readTrigger } from '../run/run-job.ts'
import type { Claim } from './claim.ts'
import { Claims, type Place } from './claims.ts'
import { extendLease } from './extend-lease.ts'
import type { LendDeps } from './lend-deps.ts'
import type { LentTable } from './lent-table.ts'
import { settleLease } from './settle-lease.ts'
import { startLent } from './start-lent.ts'

export interface LenderDeps extends LendDeps {
  table: LentTable
  types: Pick<JobTypes, 'get' | 'known' | 'refresh'>
  /** Ends an attempt whose time is up. */
  timeOut(attempt: Parameters<LentTable['add']>[0]): Promise<void>
}

const KEPT_MAX = 10_000
const STARTING_MS = 5 * SECOND

/** Lends jobs to workers that ask over HTTP, through an api. */
export class Lender implements WorkAnswers {
  readonly #deps: LenderDeps
  readonly #claims: Claims
  /** Open calls by the api's name for them. */
  readonly #calls = new Map<string, { claim: Claim; key: string | null }>()
  /** What calls with a `claim_id` were answered, until the worker shows that it has the answer. */
  readonly #answers: Remembered<Promise<ClaimedWork>>
  /** The key of the answer that a job is in, by the job's id. */
  readonly #answerOf: Remembered<string>
  /** What became of leases, for calls that are repeated. */
  readonly #settled: Remembered<Promise<SettledWork>>
  readonly #starting = new Set<Promise<void>>()
  #isDraining = false

  constructor(deps: LenderDeps) {
    this.#deps = deps
    this.#claims = new Claims({ ...deps, start: (delivery, place) => this.#start(delivery, place) })
    this.#answers = new Remembered(deps.clock, { keptMs: CLAIM_KEPT_MS, max: KEPT_MAX })
    this.#answerOf = new Remembered(deps.clock, { keptMs: CLAIM_KEPT_MS, max: WORK_MAX * KEPT_MAX })
    this.#settled = new Remembered(deps.clock, { keptMs: CLAIM_KEPT_MS, max: KEPT_MAX })
  }

  readonly claim: WorkAnswers['claim'] = ({ call_id, body }) => {
    const key = body.claim_id === undefined ? null : `${body.worker_id} ${body.claim_id}`
    const before = key === null ? undefined : this.#answers.get(key)
    if (before !== undefined) return before
    const answer = this.#claim(call_id, key, body)
    if (key === null) return answer
    this.#answers.set(key, answer)
    // A call that got nothing may be made anew.
    const forget = () => this.#answers.delete(key)
    answer.then(({ jobs }) => {
      if (jobs.length === 0) forget()
      for (const job of jobs) this.#answerOf.set(job.job_id, key)
    }, forget)
    return answer
  }

  readonly gone: WorkAnswers['gone'] = async ({ call_id }) => {
    const call = this.#calls.get(call_id)
    if (call === undefined) return null
    if (call.key !== null) this.#answers.delete(call.key)
    await this.#handBack(call.claim.abandon())
    return null
  }

  readonly extend: WorkAnswers['extend'] = async ({ worker_id, leases, lease_s }) => {
    this.#deps.workers.saw(worker_id)
    for (const { lease } of leases) this.#hasArrived(lease)
    const extending = leases.map(({ lease, progress }) =>
      extendLease(this.#deps, { lease, leaseMs: lease_s * SECOND, progress: progress ?? null }),
    )
    return { leases: await Promise.all(extending) }
  }

  readonly settle: WorkAnswers['settle'] = async ({ items }) => {
    for (const { lease } of items) this.#hasArrived(lease)
    return { settled: await Promise.all(items.map((item) => this.#settleOnce(item))) }
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

  async #claim(callId: string, key: string | null, body: ClaimWorkBody): Promise<ClaimedWork> {
    const leave = await this.#deps.workers.enter(body)
    try {
      const [settled, jobs] = await Promise.all([this.settle({ items: body.settle }), this.#lend(callId, key, body)])
      return { ...settled, jobs, draining: this.#isDraining && jobs.length === 0 }
    } finally {
      leave()
    }
  }

  async #lend(callId: string, key: string | null, body: ClaimWorkBody): Promise<LentJob[]> {
    const types = [...new Set(body.types)]
    for (const type of types) await this.#checkType(type)
    if (this.#isDraining) return []
    const claim = this.#claims.open({
      workerId: body.worker_id,
      types,
      max: body.max,
      leaseMs: body.lease_s * SECOND,
      waitMs: body.wait_s * SECOND,
    })
    this.#calls.set(callId, { claim, key })
    try {
      return await claim.answer
    } finally {
      this.#calls.delete(callId)
    }
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
    const endRenewal = table.renewWhileStarting(delivery)
    try {
      const { workerId, leaseMs } = place.claim.options
      const started = await startLent(deps, new JobRun(deps, delivery, spec), { workerId, leaseMs })
      if (started.kind !== 'nothing') table.add(started.attempt)
      if (started.kind === 'overdue') await deps.timeOut(started.attempt)
      if (started.kind !== 'lent') {
        place.fill(null)
        return
      }
      const { attempt } = started
      if (attempt.attempt.attempt === 1) {
        const waitedMs = Math.max(0, deps.clock.now() - Date.parse(spec.created_at))
        deps.metrics.waitSeconds.observe({ type: spec.type }, waitedMs / SECOND)
      }
      const about = { job_id: spec.job_id, type: spec.type, attempt: attempt.attempt.attempt, http_worker: workerId }
      deps.log.info(about, 'job started')
      const job = attempt.handOut(deps, started.secret)
      if (!place.fill(job)) await this.#handBack([job])
    } finally {
      endRenewal()
    }
  }

  /** Whether a delivery is a second one of a job that this process vouches for. */
  #isKnown(jobId: string, delivery: Delivery): boolean {
    const known = this.#deps.table.get(jobId)
    if (known === undefined) return false
    if (known.run.delivery.seq === delivery.seq) {
      this.#deps.metrics.dropped.inc()
      return true
    }
    // The job's history has continued without the attempt that is known here.
    this.#deps.table.superseded(known, false)
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
