import type { StreamMessage } from '#shared/bus/get-message.ts'
import type { EventBody, JobHistory } from '#shared/bus/job-history.ts'
import { type LaneNeed, mayDeliver } from '#shared/bus/lanes/lane-need.ts'
import { parseForeign } from '#shared/bus/read-event.ts'
import type { Stream } from '#shared/bus/stream.ts'
import { HEADERS, triggerEventSchema } from '#shared/contracts/log/events.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { dueSubject } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import type { Clock } from '#shared/time/clock.ts'
import { forEachActive } from './for-each-active.ts'

export interface DelayedDeps {
  store: JobStore
  /** The log of jobs. */
  stream: Stream
  history: JobHistory
  clock: Clock
  log: Logger
}

/** Later than every stored time. */
const ANY_TIME = '9999'

/**
 * Keeps delayed jobs alive across a cut of the log. The start of a delayed job compares with its last event, which must
 * therefore outlive every cut. Where the timer has fired and the trigger waits in its lane, the event holds the cut:
 * published again, the job would go to the end of its lane each time. Otherwise it is published again, above the cut,
 * which arms a new timer.
 * @returns the cut, lowered to the first event that must stay
 * @throws when an event could not be published: do not cut then
 */
export async function keepDelayedJobs(deps: DelayedDeps, needs: LaneNeed[], cut: number): Promise<number> {
  let lowest = cut
  await forEachActive(deps.store, { phases: ['scheduled', 'retrying'], updatedBefore: ANY_TIME }, async (job) => {
    if (job.seq >= cut) return
    if (await hasWaitingTrigger(deps.stream, needs, job)) lowest = Math.min(lowest, job.seq)
    else await publishAgain(deps, job)
  })
  return lowest
}

/** Whether the job's timer has fired and a lane will deliver its trigger. */
export async function hasWaitingTrigger(stream: Stream, needs: LaneNeed[], job: Job): Promise<boolean> {
  const due = await stream.lastOf(dueSubject(job))
  return due !== null && Number(due.headers.get(HEADERS.after)) === job.seq && mayDeliver(needs, job.type, due.seq)
}

/** The event once more; where nobody can read it, the job cannot continue from it and ends. */
function eventAgain(job: Job, { seq, body }: StreamMessage): EventBody {
  const event = parseForeign(triggerEventSchema, body)
  if (event !== null) return { ...event, follows: job.seq }
  const error = {
    name: 'Unreadable',
    message: `message ${seq} of the log, which says when this job is due, cannot be read`,
  }
  return { event: 'job:failed', reason: 'unreadable', error }
}

/**
 * Publishes the event again; compare-and-set on the event itself makes that harmless. @returns whether it was stored
 */
export async function publishAgain(deps: DelayedDeps, job: Job): Promise<boolean> {
  const last = await deps.stream.atSequence(job.seq)
  if (last === null) {
    deps.log.error({ job_id: job.job_id, seq: job.seq }, 'the log lost the last event of a delayed job')
    return false
  }
  const result = await deps.history.append(job, eventAgain(job, last), { after: job.seq })
  return result.kind === 'stored'
}
