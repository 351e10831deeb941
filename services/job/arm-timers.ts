import type { Broker } from '#shared/bus/connection.ts'
import type { Delivery, LanePuller } from '#shared/bus/lane-puller.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import { HEADERS } from '#shared/contracts/events.ts'
import { ARM_TIMERS, dueSubject, historyFilter, parseSubject, timerSubject } from '#shared/contracts/subjects.ts'
import { SECOND, sleep } from '#shared/runtime/clock.ts'
import { newNonce } from '#shared/runtime/ids.ts'
import type { Logger } from '#shared/runtime/logger.ts'

export interface ArmTimersDeps {
  broker: Broker
  puller: LanePuller
  publisher: Publisher
  log: Logger
}

const BATCH = 100
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
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      if (!this.#deps.broker.isUp()) {
        await sleep(BROKER_AWAY_MS)
        continue
      }
      const arming: Promise<void>[] = []
      const onDelivery = (delivery: Delivery) => {
        arming.push(this.#arm(delivery))
      }
      const { end } = await this.#deps.puller.pull({ consumer: ARM_TIMERS, batch: BATCH, waitMs: WAIT_MS, onDelivery })
      await Promise.all(arming)
      if (end === 'gone') await sleep(BROKER_AWAY_MS)
    }
  }

  async #arm(delivery: Delivery): Promise<void> {
    const job = parseSubject(delivery.subject)
    const dueAt = readDueAt(delivery.body)
    if (job === null || dueAt === null) {
      this.#deps.log.error({ subject: delivery.subject, seq: delivery.seq }, 'a delayed event cannot be read')
      this.#deps.puller.ack(delivery)
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
      this.#deps.log.warn({ err: error, job_id: job.job_id }, 'a timer could not be armed, it will be tried again')
    }
  }
}

/** @returns RFC 3339 in UTC, or null */
function readDueAt(body: string): string | null {
  try {
    const { due_at } = JSON.parse(body) as { due_at?: unknown }
    const ms = typeof due_at === 'string' ? Date.parse(due_at) : Number.NaN
    return Number.isNaN(ms) ? null : new Date(ms).toISOString()
  } catch {
    return null
  }
}
