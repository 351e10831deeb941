import type { EventBody } from '#shared/bus/job-history.ts'
import { type LaneNeed, laneNeeds, mayDeliver } from '#shared/bus/lanes/lane-need.ts'
import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { jobSpecOf, nextAttempt } from '#shared/contracts/log/job-spec.ts'
import { timerSubject } from '#shared/contracts/log/subjects.ts'
import type { Counter } from '#shared/process/metrics.ts'
import { isoTime, MINUTE } from '#shared/time/clock.ts'
import { armTimersNeed } from './arm-timers-need.ts'
import { type DelayedDeps, hasWaitingTrigger, publishAgain } from './delayed-jobs.ts'
import { forEachActive } from './for-each-active.ts'

export interface WakeDeps extends DelayedDeps {
  listLanes(): Promise<LaneInfo[]>
  leaseMs: number
  /** Should stay at 0: each is a job that nothing else would have woken. */
  woken: Counter
}

const SLACK_MS = 1 * MINUTE

/**
 * The safety net under everything else. Jobs that wait or run, but that no lane will deliver again, get a fresh
 * `job:created`; overdue delayed jobs that have neither timer nor trigger get their last event again, which arms a new
 * timer. Compare-and-set on the job's last event makes all of this harmless.
 */
export async function wakeStuckJobs(deps: WakeDeps): Promise<void> {
  // Asked before the jobs are read: a message that a lane needed then has not been passed over since.
  const lanes = await deps.listLanes()
  const needs = await laneNeeds(deps.stream, lanes)
  const unarmedFrom = await armTimersNeed(deps.stream)
  const updatedBefore = isoTime(deps.clock.now() - deps.leaseMs - SLACK_MS)
  await forEachActive(deps.store, { phases: ['scheduled', 'retrying'], updatedBefore }, (job) =>
    wakeDelayed(deps, needs, unarmedFrom, job),
  )
  await forEachActive(deps.store, { phases: ['waiting', 'running'], updatedBefore }, (job) =>
    wakeUndelivered(deps, needs, job),
  )
}

async function wakeDelayed(deps: WakeDeps, needs: LaneNeed[], unarmedFrom: number | null, job: Job): Promise<void> {
  const overdueMs = job.due_at === null ? 0 : deps.clock.now() - Date.parse(job.due_at)
  if (overdueMs < deps.leaseMs + SLACK_MS) return
  // Nobody was there to arm the job's timer: the next replica will.
  if (unarmedFrom !== null && unarmedFrom <= job.seq) return
  if ((await deps.stream.lastOf(timerSubject(job))) !== null) return
  if (await hasWaitingTrigger(deps.stream, needs, job)) return
  if (await publishAgain(deps, job)) recordWoken(deps, job)
}

async function wakeUndelivered(deps: WakeDeps, needs: LaneNeed[], job: Job): Promise<void> {
  const quietMs = deps.clock.now() - Date.parse(job.updated_at)
  if (quietMs < job.timeout_ms + deps.leaseMs + SLACK_MS) return
  if (mayDeliver(needs, job.type, job.seq)) return
  const result = await deps.history.append(job, freshCreated(job), { after: job.seq })
  if (result.kind === 'stored') recordWoken(deps, job)
}

function recordWoken(deps: WakeDeps, job: Job): void {
  deps.woken.inc()
  deps.log.warn({ job_id: job.job_id, phase: job.phase }, 'woke a job that nothing else would have woken')
}

/** Continues the attempts where they stopped: an open one counts as crashed, a released one keeps its number. */
function freshCreated(job: Job): EventBody {
  const last = job.attempts.at(-1)
  return {
    event: 'job:created',
    ...jobSpecOf(job),
    attempt: nextAttempt(job),
    crashes: job.crashes + (last?.outcome === null ? 1 : 0),
  }
}
