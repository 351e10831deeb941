import { type LaneNeed, laneNeed, laneNeeds, mayDeliver } from '#shared/bus/lane-need.ts'
import type { LaneInfo } from '#shared/bus/lanes.ts'
import type { ConsumerFloor } from '#shared/bus/stream-state.ts'
import type { CreatedEvent } from '#shared/contracts/log/events.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { jobSpecOf, nextAttempt } from '#shared/contracts/log/job-spec.ts'
import { ARM_TIMERS_FILTERS, eventSubject, historyFilter, timerSubject } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Counter } from '#shared/process/metrics.ts'
import { isoTime, MINUTE, SECOND } from '#shared/time/clock.ts'
import { type DelayedDeps, hasWaitingTrigger, publishAgain } from './delayed-jobs.ts'
import { eachUnended } from './each-unended.ts'

export interface WakeDeps extends DelayedDeps {
  listLanes(): Promise<LaneInfo[]>
  armTimers(): Promise<ConsumerFloor>
  leaseMs: number
  /** Should stay at 0: each is a job that nothing else would have woken. */
  woken: Counter
}

const SLACK_MS = 1 * MINUTE
const PUBLISH_DEADLINE_MS = 5 * SECOND

/**
 * The net under everything else. Jobs that wait or run, but that no lane will deliver again, get a fresh
 * `job:created`; delayed jobs that are overdue and have neither timer nor trigger get their last event again, which
 * arms a timer anew. Compare-and-set on the job's last event makes each of it harmless.
 */
export async function wakeStuckJobs(deps: WakeDeps): Promise<void> {
  // Asked before the jobs are read: what a lane needed then it has not passed over since.
  const lanes = await deps.listLanes()
  const needs = await laneNeeds(deps.reader, lanes)
  const unarmedFrom = await laneNeed(deps.reader, { ...(await deps.armTimers()), filters: ARM_TIMERS_FILTERS })
  const updatedBefore = isoTime(deps.clock.now() - deps.leaseMs - SLACK_MS)
  await eachUnended(deps.store, { phases: ['scheduled', 'retrying'], updatedBefore }, (job) =>
    wakeDelayed(deps, needs, unarmedFrom, job),
  )
  await eachUnended(deps.store, { phases: ['waiting', 'running'], updatedBefore }, (job) =>
    wakeUndelivered(deps, needs, job),
  )
}

async function wakeDelayed(deps: WakeDeps, needs: LaneNeed[], unarmedFrom: number | null, job: Job): Promise<void> {
  const overdueMs = job.due_at === null ? 0 : deps.clock.now() - Date.parse(job.due_at)
  if (overdueMs < deps.leaseMs + SLACK_MS) return
  // Nobody was there to arm its timer: whoever comes first will.
  if (unarmedFrom !== null && unarmedFrom <= job.seq) return
  if ((await deps.reader.lastOf(timerSubject(job))) !== null) return
  if (await hasWaitingTrigger(deps.reader, needs, job)) return
  if (await publishAgain(deps, job)) noteWoken(deps, job)
}

async function wakeUndelivered(deps: WakeDeps, needs: LaneNeed[], job: Job): Promise<void> {
  const quietMs = deps.clock.now() - Date.parse(job.updated_at)
  if (quietMs < job.timeout_ms + deps.leaseMs + SLACK_MS) return
  if (mayDeliver(needs, job.type, job.seq)) return
  const event = freshCreated(job, isoTime(deps.clock.now()))
  const result = await deps.publisher.publish(
    {
      subject: eventSubject('job:created', job),
      body: JSON.stringify(event),
      nonce: newNonce(),
      jobId: job.job_id,
      expect: { seq: job.seq, filter: historyFilter(job) },
    },
    { deadlineMs: PUBLISH_DEADLINE_MS },
  )
  if (result.kind === 'stored') noteWoken(deps, job)
}

function noteWoken(deps: WakeDeps, job: Job): void {
  deps.woken.inc()
  deps.log.warn({ job_id: job.job_id, phase: job.phase }, 'a job that nothing would have woken was woken')
}

/** Continues the attempts where they stopped: an open one counts as crashed, a released one keeps its number. */
function freshCreated(job: Job, at: string): CreatedEvent {
  const last = job.attempts.at(-1)
  return {
    event: 'job:created',
    at,
    ...jobSpecOf(job),
    attempt: nextAttempt(job),
    crashes: job.crashes + (last?.outcome === null ? 1 : 0),
  }
}
