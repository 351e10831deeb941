import type { Delivery } from '#shared/bus/puller.ts'
import { parseForeign } from '#shared/bus/read-event.ts'
import { HAND_BACK_MS, HAND_BACKS_MAX } from '#shared/contracts/log/decide.ts'
import { CONTRACT_VERSION, type TriggerEvent, triggerEventSchema } from '#shared/contracts/log/events.ts'
import { parseSubject } from '#shared/contracts/log/subjects.ts'
import { SECOND } from '#shared/time/clock.ts'
import { contractVersionOf, triggerAfter } from '../pull/trigger.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import { attemptJob } from './attempt-job.ts'
import type { Hold } from './hold.ts'
import { JobRun } from './job-run.ts'
import { startAttempt } from './start-attempt.ts'

/** Pause until the next try, here or elsewhere. */
const LINGERS_MS = 250

/**
 * Handles one delivery from its arrival to its ack: start, run, publish the outcome, ack. Never rejects because of the
 * job.
 */
export async function runJob(deps: WorkerDeps, delivery: Delivery, held: Map<string, Hold>): Promise<void> {
  const spec = await readTrigger(deps, delivery)
  if (spec === null) return
  const holding = held.get(spec.job_id)
  if (holding !== undefined) {
    await settleHeld(deps, delivery, holding)
    return
  }
  const run = new JobRun(deps, delivery, spec)
  held.set(spec.job_id, run.hold)
  deps.metrics.inFlight.inc()
  try {
    deps.lease.hold(delivery, spec.job_id, spec.timeout_ms)
    let attempt = deps.deliveryStarts.tryStart(run) ?? (await startAttempt(deps, run))
    while (attempt !== null) attempt = await attemptJob(deps, run, attempt)
  } finally {
    deps.metrics.inFlight.dec()
    run.place?.leave()
    deps.attempts.forget(spec.job_id)
    deps.deliveryStarts.forget(run)
    deps.lease.release(delivery)
    held.delete(spec.job_id)
    run.hold.settle()
  }
}

type ReadDeps = Pick<WorkerDeps, 'puller' | 'history' | 'metrics' | 'log'>

/** @returns the job of a delivery; null where it cannot be read here, and the delivery is settled */
export async function readTrigger(deps: ReadDeps, delivery: Delivery): Promise<TriggerEvent | null> {
  const isNewer = contractVersionOf(delivery) > CONTRACT_VERSION
  if (isNewer && delivery.deliveries <= HAND_BACKS_MAX) {
    // Written by a newer version of Hasty: another worker can read it.
    deps.puller.nak(delivery, HAND_BACK_MS)
    return null
  }
  const spec = isNewer ? null : parseForeign(triggerEventSchema, delivery.body)
  if (spec !== null) return spec
  const why = isNewer ? 'was written by a newer Hasty, and no worker of it came' : 'cannot be read'
  await failUnreadable(deps, delivery, why)
  return null
}

/** Settles a delivery of a job that this process already holds. */
async function settleHeld(deps: WorkerDeps, delivery: Delivery, holding: Hold): Promise<void> {
  if (delivery.seq === holding.seq) {
    // A redelivery of the job that runs here, after the broker was away.
    deps.metrics.dropped.inc()
    return
  }
  if (!holding.isAsked) {
    const last = await deps.history.last(holding.job)
    if (last !== null && last.seq <= holding.seq) {
      // Another trigger of the job that is about to start here.
      deps.metrics.dropped.inc()
      return
    }
    if (last?.trigger === holding.seq) {
      // The same trigger, fired once more: the job that runs here was started by the first.
      deps.puller.ack(delivery)
      return
    }
    // The job's history has continued without the attempt that runs here, which can publish nothing any more.
    holding.end()
  }
  // The handler has not noticed yet that it was told to stop.
  deps.puller.nak(delivery, LINGERS_MS)
}

/** Fails a job that cannot be read, with an error that says so: parking it would lose the job. */
async function failUnreadable(deps: ReadDeps, delivery: Delivery, why: string): Promise<void> {
  deps.metrics.parked.inc()
  const job = parseSubject(delivery.subject)
  if (job === null) {
    deps.puller.ack(delivery)
    return
  }
  deps.log.error({ job_id: job.job_id, seq: delivery.seq }, 'could not read a trigger')
  const error = { name: 'Unreadable', message: `message ${delivery.seq} of the log ${why}` }
  await deps.history.append(
    { ...job, object_id: '' },
    { event: 'job:failed', reason: 'unreadable', error },
    { after: triggerAfter(delivery), deadlineMs: 10 * SECOND },
  )
  // Also when it is refused: the trigger is then stale, because the job's history has continued without it.
  deps.puller.ack(delivery)
}
