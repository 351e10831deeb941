import { tellLeaseLost } from '#shared/bus/work-calls.ts'
import { SECOND } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { outcomeOf } from '../run/outcome.ts'
import { type ExtendDeps, moveLease, REPORT_EVERY_MS } from './extend-lease.ts'
import { fencingTokenIn, isRunning, type LentAttempt } from './lent-attempt.ts'
import { attemptOver, publishEnd } from './settle-lent.ts'

const LOOK_EVERY_MS = SECOND / 4
/** Time after the end of a lease in which the worker's last word may still be on its way. */
const GRACE_MS = 1 * SECOND

/** Ends attempts whose lease ran out or whose time is up, and stores reports that came too fast. */
export class LeaseEnds {
  readonly #deps: Omit<ExtendDeps, 'timeOut'>
  readonly #loop: IntervalLoop
  readonly #busy = new Set<LentAttempt>()

  constructor(deps: Omit<ExtendDeps, 'timeOut'>) {
    this.#deps = deps
    this.#loop = new IntervalLoop(
      LOOK_EVERY_MS,
      async () => this.#look(),
      (error) => deps.log.error({ err: error }, 'looking at the leases failed'),
    )
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Ends an attempt whose time is up, as its type says. */
  async timeOut(attempt: LentAttempt): Promise<void> {
    const stored = await publishEnd(this.#deps, attempt, { kind: 'timeout' })
    if ('outcome' in stored) this.#deps.table.ended(attempt, stored.outcome)
    else this.#deps.table.superseded(attempt, stored.isEnd)
  }

  #look(): void {
    const { clock, table } = this.#deps
    const [now, monotonic] = [clock.now(), clock.monotonic()]
    for (const attempt of table.all()) {
      const { untilMs, deadlineMs } = attempt.lease
      if (now >= deadlineMs) this.#do(attempt, () => this.timeOut(attempt))
      else if (now >= untilMs + GRACE_MS) this.#do(attempt, () => this.#expire(attempt))
      else if (attempt.unstored !== null && monotonic - attempt.storedReportMs >= REPORT_EVERY_MS)
        this.#do(attempt, () => this.#storeReport(attempt))
    }
  }

  #do(attempt: LentAttempt, what: () => Promise<void>): void {
    if (this.#busy.has(attempt)) return
    this.#busy.add(attempt)
    what()
      .catch((error: unknown) =>
        this.#deps.log.warn({ err: error, job_id: attempt.jobId }, 'could not look after a lease, will retry'),
      )
      .finally(() => this.#busy.delete(attempt))
  }

  async #storeReport(attempt: LentAttempt): Promise<void> {
    const over = await moveLease({ ...this.#deps, timeOut: this.timeOut.bind(this) }, attempt, 0, null)
    if (over !== null) this.#deps.table.superseded(attempt, over.isEnd)
  }

  /** The worker is lost, unless another process has extended the lease: the log knows. */
  #expire(attempt: LentAttempt): Promise<void> {
    const { broker, clock, history, table, log } = this.#deps
    const { run, workerId } = attempt
    return attempt.inTurn(async () => {
      if (attempt.endedBy !== null) return
      const last = await history.lastWhole(run.spec)
      const event = last?.event ?? null
      if (last === null || !isRunning(event) || fencingTokenIn(event, last.about.seq) !== attempt.attempt.seq) {
        table.superseded(attempt, attemptOver(event, last === null).isEnd)
        return
      }
      attempt.follow(event, last.about.seq)
      if (clock.now() < attempt.lease.untilMs + GRACE_MS) return
      // Before the job is there again: a frozen worker's open claim must not get it.
      tellLeaseLost(broker, workerId)
      const error = { name: 'WorkerLost', message: `the worker ${workerId} did not extend its lease` }
      const lost = { kind: 'crashed', error, delayMs: 0 } as const
      const outcome = outcomeOf({ ...this.#deps, workerId }, run, attempt.attempt, lost)
      const result = await run.publish(outcome.event)
      // Refused: the worker was faster, through another process; the next look shows what it said.
      if (result.kind !== 'stored') return
      attempt.endedBy = result.event
      log.warn({ job_id: attempt.jobId, type: run.spec.type, http_worker: workerId }, 'a worker lost its lease')
      table.ended(attempt, outcome)
    })
  }
}
