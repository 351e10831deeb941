import { type LaneNeed, mayDeliver } from '#shared/bus/lane-need.ts'
import type { LogMessage, LogReader } from '#shared/bus/log-reader.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import { parseForeign } from '#shared/bus/read-event.ts'
import { HEADERS, type JobEvent, triggerEventSchema } from '#shared/contracts/log/events.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { dueSubject, eventSubject, historyFilter } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { type Clock, isoTime, SECOND } from '#shared/time/clock.ts'
import { eachUnended } from './each-unended.ts'

export interface DelayedDeps {
  store: JobStore
  reader: LogReader
  publisher: Publisher
  clock: Clock
  log: Logger
}

const PUBLISH_DEADLINE_MS = 5 * SECOND
/** Later than every time that is stored. */
const ANY_TIME = '9999'

/**
 * What starts a delayed job compares with its last event, which must therefore outlive every cut of the log. Where the
 * timer has fired and the trigger waits in its lane, the event holds the cut: published again, the job would go to the
 * end of its lane each time. Otherwise it is published again, above the cut, which arms a timer anew.
 * @returns the cut, lowered to the first event that must stay
 * @throws when an event could not be published: do not cut then
 */
export async function keepDelayedJobs(deps: DelayedDeps, needs: LaneNeed[], cut: number): Promise<number> {
  let lowest = cut
  await eachUnended(deps.store, { phases: ['scheduled', 'retrying'], updatedBefore: ANY_TIME }, async (job) => {
    if (job.seq >= cut) return
    if (await hasWaitingTrigger(deps.reader, needs, job)) lowest = Math.min(lowest, job.seq)
    else await publishAgain(deps, job)
  })
  return lowest
}

/** Whether the job's timer has fired and a lane will deliver what came of it. */
export async function hasWaitingTrigger(reader: LogReader, needs: LaneNeed[], job: Job): Promise<boolean> {
  const due = await reader.lastOf(dueSubject(job))
  return due !== null && Number(due.headers.get(HEADERS.after)) === job.seq && mayDeliver(needs, job.type, due.seq)
}

/** The event once more; where nobody can read it, the job cannot go on from it and ends. */
function eventAgain(job: Job, { seq, body }: LogMessage, at: string): JobEvent {
  const event = parseForeign(triggerEventSchema, body)
  if (event !== null) return { ...event, at, follows: job.seq }
  const error = { name: 'Unreadable', message: `message ${seq} of the log, what this job waits by, cannot be read` }
  const { job_id, object_id, type } = job
  return { event: 'job:failed', job_id, object_id, ...tenantMember(job.tenant), type, at, reason: 'unreadable', error }
}

/** Compare-and-set on the event itself makes it harmless. @returns whether it was stored */
export async function publishAgain(deps: DelayedDeps, job: Job): Promise<boolean> {
  const last = await deps.reader.atSequence(job.seq)
  if (last === null) {
    deps.log.error({ job_id: job.job_id, seq: job.seq }, 'the last event of a delayed job is gone from the log')
    return false
  }
  const event = eventAgain(job, last, isoTime(deps.clock.now()))
  const result = await deps.publisher.publish(
    {
      subject: eventSubject(event.event, job),
      body: JSON.stringify(event),
      nonce: newNonce(),
      jobId: job.job_id,
      expect: { seq: job.seq, filter: historyFilter(job) },
    },
    { deadlineMs: PUBLISH_DEADLINE_MS },
  )
  return result.kind === 'stored'
}
