import type { Broker } from '#shared/bus/connection.ts'
import { attemptToStart } from '#shared/contracts/log/events.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import type { ExclusiveDeliveries } from '../pull/exclusive-deliveries.ts'
import type { JobRun } from './job-run.ts'
import type { StartedAttempt } from './start-attempt.ts'

// A short job needs no `job:started`: where its delivery is surely the only one, the handler runs at once, and the
// outcome tells when it started. An attempt that takes longer than the grace gets its `job:started` then.

/** Number of short attempts in a row after which the next one of the type is expected to be short too. */
const SHORT_STREAK = 20

export interface DeliveryStartsOptions {
  workerId: string
  exclusive: ExclusiveDeliveries
  broker: Pick<Broker, 'isUp'>
  clock: Clock
  /** Milliseconds for which `job:started` is held back; 0: it is published before every attempt. */
  graceMs: number
}

/** Starts attempts by their delivery alone, and publishes later that they started. */
export class DeliveryStarts {
  readonly #options: DeliveryStartsOptions
  /** The runs whose `job:started` is held back, and until when; the oldest first. */
  readonly #heldBack = new Map<JobRun, number>()
  /** Number of short attempts in a row, by type: a long one might block this process, and not be seen to run. */
  readonly #streaks = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: DeliveryStartsOptions) {
    this.#options = options
  }

  /**
   * Starts the job's attempt without the log. The fencing token is the trigger's sequence: above those of earlier rounds,
   * and below that of every `job:started` that may follow.
   * @returns null where the log has to be asked first
   */
  tryStart(run: JobRun): StartedAttempt | null {
    const { workerId, exclusive, broker, clock, graceMs } = this.#options
    const { spec, delivery } = run
    const isUsuallyShort = (this.#streaks.get(spec.type) ?? 0) >= SHORT_STREAK
    // A timer may fire twice: only the history's own event is the one trigger of its job.
    const isOnlyTrigger = run.after === delivery.seq && spec.crashes === 0
    if (!isUsuallyShort || !isOnlyTrigger || !broker.isUp() || !exclusive.isExclusive(spec.type, delivery)) return null
    const about = { attempt: attemptToStart(spec), crashes: spec.crashes, isolated: false }
    const start = { ...about, event: 'job:started', trigger: delivery.seq, worker_id: workerId } as const
    run.holdBackStart({ ...start, fencing_token: delivery.seq }, isoTime(clock.now()))
    this.#heldBack.set(run, clock.monotonic() + graceMs)
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#publishDue(), graceMs)
    return { ...about, seq: delivery.seq }
  }

  /** Learns how long attempts of a type take. */
  observe(type: string, ms: number): void {
    this.#streaks.set(type, ms < this.#options.graceMs ? (this.#streaks.get(type) ?? 0) + 1 : 0)
  }

  forget(run: JobRun): void {
    this.#heldBack.delete(run)
  }

  /** Publishes every start of a type that is held back, because deliveries are not exclusive any more. */
  publishAll(type?: string): void {
    for (const run of this.#heldBack.keys()) if (type === undefined || run.spec.type === type) this.#publish(run)
  }

  #publishDue(): void {
    this.#timer = undefined
    const now = this.#options.clock.monotonic()
    for (const [run, dueMs] of this.#heldBack) {
      if (dueMs > now) {
        this.#timer = setTimeout(() => this.#publishDue(), dueMs - now)
        return
      }
      this.#publish(run)
    }
  }

  #publish(run: JobRun): void {
    this.#heldBack.delete(run)
    run.publishStart()
  }
}
