import type { Broker } from '#shared/bus/connection.ts'
import { DeliveryLoop } from '#shared/bus/delivery-loop.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import type { ConsumerPuller, Delivery } from '#shared/bus/puller.ts'
import { HEADERS } from '#shared/contracts/log/events.ts'
import { ARM_TIMERS, type JobAddress, parseSubject } from '#shared/contracts/log/subjects.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { epochMsOf } from '#shared/formats/rfc3339.ts'
import type { Logger } from '#shared/process/logger.ts'
import { SECOND } from '#shared/time/clock.ts'

export interface ArmTimersDeps {
  broker: Broker
  puller: ConsumerPuller
  history: JobHistory
  log: Logger
}

/** Longer than the broker takes to elect a leader: a timer that was not armed by then is delivered again. */
const DEADLINE_MS = 30 * SECOND

/** Turns each `job:retrying` and `job:scheduled` into a schedule of the broker that fires as `job:due`. */
export function createArmTimers({ broker, puller, history, log }: ArmTimersDeps): DeliveryLoop {
  return new DeliveryLoop({
    broker,
    puller,
    consumer: ARM_TIMERS,
    async onDelivery(delivery, signal) {
      const job = parseSubject(delivery.subject)
      if (job === null) log.error({ subject: delivery.subject, seq: delivery.seq }, 'a delayed event belongs to no job')
      else await arm(history, job, delivery, signal)
      puller.ack(delivery)
    },
    onError(error, { subject, seq }) {
      log.warn({ err: error, subject, seq }, 'could not arm a timer, will retry')
    },
  })
}

async function arm(history: JobHistory, job: JobAddress, delivery: Delivery, signal: AbortSignal): Promise<void> {
  const { seq, body } = delivery
  const options = { deadlineMs: DEADLINE_MS, signal }
  // A timer that can never be armed: the job would wait forever, and hold the log.
  const fail = (reason: string, error: { name: string; message: string }) =>
    history.append({ ...job, object_id: '' }, { event: 'job:failed', reason, error }, { ...options, after: seq })
  const dueAt = readDueAt(body)
  if (dueAt === null) {
    const message = `message ${seq} of the log does not say when the job is due`
    await fail('unreadable', { name: 'Unreadable', message })
    return
  }
  try {
    const traceparent = delivery.header(HEADERS.traceparent)
    // A refusal means that the job's history has continued: there is nothing left to wait for.
    await history.armTimer(job, { seq, body, traceparent }, dueAt, options)
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'payload-too-large')) throw error
    await fail('event_too_large', { name: 'EventTooLarge', message: error.message })
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
