import type { Broker } from '#shared/bus/connection.ts'
import type { Delivery, LanePuller } from '#shared/bus/lane-puller.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import { HEADERS } from '#shared/contracts/log/events.ts'
import {
  ARM_TIMERS,
  dueSubject,
  historyFilter,
  type JobAddress,
  parseSubject,
  timerSubject,
} from '#shared/contracts/log/subjects.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { epochMsOf } from '#shared/formats/rfc3339.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'
import { type Failure, failPublication } from './fail-publication.ts'

export interface ArmTimersDeps {
  broker: Broker
  puller: LanePuller
  publisher: Publisher
  clock: Clock
  log: Logger
}

const BATCH = 100
const MAX_UNDER_WAY = 1_000
const WAIT_MS = 5_000
const BROKER_AWAY_MS = 250

/**
 * Turns each `job:retrying` and `job:scheduled` into a schedule of the broker that fires as `job:due`. The timer
 * compares with the event's own sequence, and so does whoever is started by it: arming twice, firing twice and
 * cancelling late are all harmless.
 */
export class ArmTimers {
  readonly #deps: ArmTimersDeps
  #stopped = false
  readonly #aborter = new AbortController()
  #loop: Promise<void> = Promise.resolve()
  readonly #arming = new Set<Promise<void>>()

  constructor(deps: ArmTimersDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#loop = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#aborter.abort()
    this.#deps.puller.endAll()
    await this.#loop
    await Promise.all(this.#arming)
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (!this.#deps.broker.isUp()) {
        await sleep(BROKER_AWAY_MS)
        continue
      }
      // Those of the last batch may still be under way: one that takes long must not keep the others waiting.
      while (this.#arming.size >= MAX_UNDER_WAY) await Promise.race(this.#arming)
      const onDelivery = (delivery: Delivery) => this.#track(delivery)
      const { end } = await this.#deps.puller.pull({ consumer: ARM_TIMERS, batch: BATCH, waitMs: WAIT_MS, onDelivery })
      if (end === 'gone') await sleep(BROKER_AWAY_MS)
    }
  }

  #track(delivery: Delivery): void {
    const arming = this.#arm(delivery)
      .catch((error: unknown) => {
        const { subject, seq } = delivery
        this.#deps.log.warn({ err: error, subject, seq }, 'a timer could not be armed, it will be tried again')
      })
      .finally(() => this.#arming.delete(arming))
    this.#arming.add(arming)
  }

  async #arm(delivery: Delivery): Promise<void> {
    const job = parseSubject(delivery.subject)
    const dueAt = readDueAt(delivery.body)
    if (job === null) {
      this.#deps.log.error({ subject: delivery.subject, seq: delivery.seq }, 'this is the delay of no job')
      this.#deps.puller.ack(delivery)
      return
    }
    if (dueAt === null) {
      const message = `message ${delivery.seq} of the log does not say when the job is due`
      await this.#fail(delivery, job, 'unreadable', { name: 'Unreadable', message })
      return
    }
    const traceparent = delivery.header(HEADERS.traceparent)
    try {
      await this.#deps.publisher.publish(
        {
          subject: timerSubject(job),
          body: delivery.body,
          nonce: newNonce(),
          jobId: job.job_id,
          expect: { seq: delivery.seq, filter: historyFilter(job) },
          headers: {
            [HEADERS.after]: String(delivery.seq),
            ...(traceparent === '' ? {} : { [HEADERS.traceparent]: traceparent }),
            'Nats-Schedule': `@at ${dueAt}`,
            'Nats-Schedule-Target': dueSubject(job),
          },
        },
        { deadlineMs: 30 * SECOND, signal: this.#aborter.signal },
      )
      // Refused means that the job's history went on: there is nothing left to wait for.
      this.#deps.puller.ack(delivery)
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'payload-too-large')) throw error
      await this.#fail(delivery, job, 'event_too_large', { name: 'EventTooLarge', message: error.message })
    }
  }

  /** A timer that can never be armed: the job would wait for ever, and hold the log. */
  async #fail(delivery: Delivery, job: JobAddress, reason: string, error: Failure['error']): Promise<void> {
    const publication = failPublication(this.#deps.clock, job, { after: delivery.seq, reason, error })
    await this.#deps.publisher.publish(publication, { deadlineMs: 30 * SECOND, signal: this.#aborter.signal })
    this.#deps.puller.ack(delivery)
  }
}

/** @returns RFC 3339 in UTC, or null */
function readDueAt(body: string): string | null {
  try {
    const { due_at } = JSON.parse(body) as { due_at?: unknown }
    const ms = typeof due_at === 'string' ? epochMsOf(due_at) : Number.NaN
    return Number.isNaN(ms) ? null : new Date(ms).toISOString()
  } catch {
    return null
  }
}
