import { contractVersionOf, type Delivery, triggerAfter } from '#shared/bus/lane-puller.ts'
import { CONTRACT_VERSION, type TriggerEvent, triggerEventSchema } from '#shared/contracts/events.ts'
import { eventSubject, historyFilter, parseSubject } from '#shared/contracts/subjects.ts'
import { isoTime, SECOND } from '#shared/runtime/clock.ts'
import { newNonce } from '#shared/runtime/ids.ts'
import { attemptJob } from './attempt-job.ts'
import { Hold } from './hold.ts'
import { JobRun } from './job-run.ts'
import { startAttempt } from './start-attempt.ts'
import type { WorkerDeps } from './worker-deps.ts'

/** One delivery from its arrival to its ack: start, run, publish the outcome, ack. Never rejects for the job's sake. */
export async function runJob(deps: WorkerDeps, delivery: Delivery, held: Map<string, Hold>): Promise<void> {
  if (contractVersionOf(delivery) > CONTRACT_VERSION) {
    // Written by a newer Hasty: some other worker can read it.
    deps.puller.nak(delivery, 5 * SECOND)
    return
  }
  const spec = readTrigger(delivery)
  if (spec === null) {
    await failUnreadable(deps, delivery)
    return
  }
  // A redelivery of what this very process still runs, after the broker was away.
  if (held.has(spec.job_id)) {
    deps.metrics.dropped.inc()
    return
  }
  const run = new JobRun(deps, delivery, spec)
  const hold = new Hold(spec, delivery.seq)
  held.set(spec.job_id, hold)
  deps.lease.hold(delivery, spec.job_id, spec.timeout_ms)
  deps.metrics.inFlight.inc()
  try {
    let attempt = await startAttempt(deps, run, hold)
    while (attempt !== null) attempt = await attemptJob(deps, run, attempt, hold)
  } finally {
    deps.metrics.inFlight.dec()
    run.place?.leave()
    deps.attempts.forget(spec.job_id)
    deps.lease.release(delivery)
    held.delete(spec.job_id)
    hold.settle()
  }
}

function readTrigger(delivery: Delivery): TriggerEvent | null {
  try {
    const parsed = triggerEventSchema.safeParse(JSON.parse(delivery.body))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** Parking it would lose a job: what cannot be read ends as failed, and says so. */
async function failUnreadable(deps: WorkerDeps, delivery: Delivery): Promise<void> {
  deps.metrics.parked.inc()
  const job = parseSubject(delivery.subject)
  if (job === null) {
    deps.puller.ack(delivery)
    return
  }
  deps.log.error({ job_id: job.job_id, seq: delivery.seq }, 'a trigger cannot be read')
  const body = {
    event: 'job:failed',
    job_id: job.job_id,
    object_id: '',
    type: job.type,
    at: isoTime(deps.clock.now()),
    reason: 'unreadable',
    error: { name: 'Unreadable', message: `message ${delivery.seq} of the log cannot be read` },
  }
  await deps.publisher.publish(
    {
      subject: eventSubject('job:failed', job),
      body: JSON.stringify(body),
      nonce: newNonce(),
      jobId: job.job_id,
      expect: { seq: triggerAfter(delivery), filter: historyFilter(job) },
    },
    { deadlineMs: 10 * SECOND },
  )
  // Also when it is refused: the trigger is stale then, the job's history went on without it.
  deps.puller.ack(delivery)
}
