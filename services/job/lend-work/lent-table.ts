import { type LentEnd, tellLentEnded } from '#shared/bus/work-calls.ts'
import { renewDelivery } from '#shared/bus/worker-holds.ts'
import { jobInLog } from '#shared/contracts/log/job-spec.ts'
import { endAttemptSpan } from '../run/attempt-span.ts'
import type { Hold } from '../run/hold.ts'
import type { JobRun } from '../run/job-run.ts'
import type { Outcome } from '../run/outcome.ts'
import type { LendDeps } from './lend-deps.ts'
import type { LentAttempt } from './lent-attempt.ts'

/**
 * The attempts that this process vouches for: it renews their deliveries at the broker for as long as the worker's lease
 * lives.
 */
export class LentTable {
  readonly #deps: LendDeps
  readonly #attempts = new Map<string, LentAttempt>()
  readonly #holds = new Map<string, Hold>()
  /** Jobs that are about to start. */
  readonly #starting = new Map<string, JobRun>()
  readonly #timer: NodeJS.Timeout

  constructor(deps: LendDeps, renewEveryMs: number) {
    this.#deps = deps
    this.#timer = setInterval(() => this.#renew(), renewEveryMs)
  }

  /** As the watch over cancelled jobs needs them. */
  get holds(): ReadonlyMap<string, Hold> {
    return this.#holds
  }

  all(): LentAttempt[] {
    return [...this.#attempts.values()]
  }

  get(jobId: string): LentAttempt | undefined {
    return this.#attempts.get(jobId)
  }

  /** The run of a job that this process is about to start. */
  startingRun(jobId: string): JobRun | undefined {
    return this.#starting.get(jobId)
  }

  /** Renews the delivery of a job while it starts, and hears when it is cancelled. @returns ends that */
  starting(run: JobRun): () => void {
    const { job_id: jobId } = run.spec
    this.#starting.set(jobId, run)
    this.#holds.set(jobId, run.hold)
    return () => {
      this.#starting.delete(jobId)
      if (!this.#attempts.has(jobId)) this.#holds.delete(jobId)
    }
  }

  add(attempt: LentAttempt): void {
    const { run, jobId } = attempt
    const before = this.#attempts.get(jobId)
    if (before !== undefined) this.remove(before, 'nothing')
    this.#attempts.set(jobId, attempt)
    this.#holds.set(jobId, run.hold)
    this.#deps.metrics.inFlight.inc()
    this.#deps.workers.begin(attempt.workerId, run.spec, attempt.attempt.attempt)
    void run.hold.letGo.then(() => {
      if (!this.has(attempt)) return
      this.#count(attempt, 'cancelled')
      this.#deps.workers.end(attempt.workerId, jobId, 'cancelled', null)
      this.remove(attempt, 'ack')
    })
  }

  has(attempt: LentAttempt): boolean {
    return this.#attempts.get(attempt.jobId) === attempt
  }

  /** @param then what becomes of the delivery; `nothing`: the broker delivers it again by itself */
  remove(attempt: LentAttempt, then: 'ack' | 'nak' | 'nothing', delayMs = 0): void {
    const { delivery, hold } = attempt.run
    // Empty where another process has the delivery, and the lease does not say where it is acked.
    if (delivery.ackSubject !== '' && then === 'ack') this.#deps.puller.ack(delivery)
    if (delivery.ackSubject !== '' && then === 'nak') this.#deps.puller.nak(delivery, delayMs)
    if (!this.has(attempt)) return
    this.#attempts.delete(attempt.jobId)
    this.#holds.delete(attempt.jobId)
    this.#deps.metrics.inFlight.dec()
    hold.settle()
  }

  /** Removes an attempt whose end was stored. */
  ended(attempt: LentAttempt, { event, outcome, isTimeout, then }: Outcome, delayMs = 0): void {
    const { spec } = attempt.run
    const label = isTimeout === true ? 'timeout' : outcome
    const ms = Math.round(this.#deps.clock.monotonic() - attempt.startedMs)
    const error = 'error' in event ? event.error : undefined
    this.#count(attempt, label, error?.name)
    this.#deps.metrics.runSeconds.observe({ type: spec.type }, ms / 1000)
    this.#deps.workers.end(attempt.workerId, spec.job_id, outcome, error ?? null)
    this.#deps.log.info(
      {
        ...jobInLog(spec),
        attempt: attempt.attempt.attempt,
        http_worker: attempt.workerId,
        ms,
        outcome: label,
        ...(error === undefined ? {} : { error: error.name, code: error.code }),
      },
      'attempt ended',
    )
    const settle = then === 'nak' ? 'nak' : 'ack'
    // Another process may renew a delivery of it, after a death or a change of the lanes.
    tellLentEnded(this.#deps.broker, {
      job_id: spec.job_id,
      seq: attempt.attempt.seq,
      then: settle,
      delay_ms: delayMs,
    })
    this.remove(attempt, settle, delayMs)
  }

  /** Called when another process has stored the end of an attempt. */
  endedElsewhere({ job_id, seq, then, delay_ms: delayMs }: LentEnd): void {
    const attempt = this.get(job_id)
    if (attempt === undefined || attempt.attempt.seq !== seq) return
    this.#deps.workers.forget(attempt.workerId, job_id)
    this.remove(attempt, then, delayMs)
  }

  /** Removes an attempt that the log has continued without, or that another process ended. */
  superseded(attempt: LentAttempt, isEnd: boolean): void {
    this.#deps.metrics.refused.inc()
    this.#deps.workers.end(attempt.workerId, attempt.jobId, 'superseded', null)
    endAttemptSpan(attempt.run.span, 'superseded')
    // Only after an end is nothing left to start: any other trigger must be delivered again.
    this.remove(attempt, isEnd ? 'ack' : 'nothing')
  }

  /** Leaves every lease alone and gives the deliveries to the other processes, which vouch from then on. */
  stop(): void {
    clearInterval(this.#timer)
    for (const attempt of this.all()) this.remove(attempt, 'nak')
  }

  #count({ run }: LentAttempt, outcome: string, error?: string): void {
    endAttemptSpan(run.span, outcome, error)
    this.#deps.metrics.attempts.inc({ type: run.spec.type, outcome })
  }

  #renew(): void {
    const { broker } = this.#deps
    if (!broker.isUp()) return
    for (const { run } of this.#attempts.values()) renewDelivery(broker, run.delivery.ackSubject)
    for (const { delivery } of this.#starting.values()) renewDelivery(broker, delivery.ackSubject)
  }
}
