import type { LogReader } from '#shared/bus/log-reader.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import type { LaneInfo } from '#shared/bus/topology.ts'
import type { CreatedEvent } from '#shared/contracts/events.ts'
import type { Job } from '#shared/contracts/job.ts'
import { DEFAULT_POLICY } from '#shared/contracts/job-type.ts'
import { eventSubject, historyFilter, timerSubject } from '#shared/contracts/subjects.ts'
import { type Clock, isoTime, MINUTE, SECOND } from '#shared/runtime/clock.ts'
import { newNonce } from '#shared/runtime/ids.ts'
import type { Logger } from '#shared/runtime/logger.ts'
import type { Counter } from '#shared/runtime/metrics.ts'
import type { JobStore } from '#shared/store/port.ts'
import { laneNeed } from './lane-need.ts'

export interface WakeDeps {
  store: JobStore
  reader: LogReader
  publisher: Publisher
  listLanes(): Promise<LaneInfo[]>
  clock: Clock
  leaseMs: number
  logRetentionMs: number
  /** Should stay at 0: each is a job that nothing else would have woken. */
  woken: Counter
  log: Logger
}

const PAGE = 500
const SLACK_MS = 1 * MINUTE
const PUBLISH_DEADLINE_MS = 5 * SECOND

/**
 * The net under everything else. Jobs that wait or run, but that no lane will deliver again, get a fresh
 * `job:created`; delayed jobs whose timer is gone, or whose last event will soon be trimmed, get that event again,
 * which arms a timer anew. Compare-and-set on the job's last event makes each of it harmless.
 * @throws when it could not look at every job: the log must not be trimmed then
 */
export async function wakeStuckJobs(deps: WakeDeps): Promise<void> {
  await eachUnended(deps, ['scheduled', 'retrying'], Math.min(deps.logRetentionMs / 2, SLACK_MS), (job) =>
    wakeDelayed(deps, job),
  )
  const lanes = await deps.listLanes()
  await eachUnended(deps, ['waiting', 'running'], deps.leaseMs + SLACK_MS, (job) => wakeUndelivered(deps, lanes, job))
}

async function eachUnended(
  deps: WakeDeps,
  phases: Job['phase'][],
  quietMs: number,
  look: (job: Job) => Promise<void>,
): Promise<void> {
  const updatedBefore = isoTime(deps.clock.now() - quietMs)
  for (let afterId = ''; ; ) {
    const page = await deps.store.listUnended({ phases, updatedBefore, afterId, limit: PAGE })
    for (const { job } of page) await look(job)
    const last = page.at(-1)
    if (last === undefined) return
    afterId = last.job.job_id
  }
}

async function wakeDelayed(deps: WakeDeps, job: Job): Promise<void> {
  const nowMs = deps.clock.now()
  const isOld = nowMs - Date.parse(job.updated_at) > deps.logRetentionMs / 2
  const isOverdue = job.due_at !== null && nowMs - Date.parse(job.due_at) > deps.leaseMs + SLACK_MS
  if (!isOld && !isOverdue) return
  const hasTimer = isOverdue && (await deps.reader.lastOf(timerSubject(job))) !== null
  if (!isOld && hasTimer) return
  const last = await deps.reader.atSequence(job.seq)
  if (last === null) {
    deps.log.error({ job_id: job.job_id, seq: job.seq }, 'the last event of a delayed job is gone from the log')
    return
  }
  const result = await deps.publisher.publish(
    {
      subject: last.subject,
      // Made now: with its old time it would look old again at the next look, and be published once a minute for ever.
      body: JSON.stringify({ ...(JSON.parse(last.body) as object), at: isoTime(nowMs) }),
      nonce: newNonce(),
      jobId: job.job_id,
      expect: { seq: job.seq, filter: historyFilter(job) },
    },
    { deadlineMs: PUBLISH_DEADLINE_MS },
  )
  if (result.kind === 'stored' && !isOld) noteWoken(deps, job)
}

async function wakeUndelivered(deps: WakeDeps, lanes: LaneInfo[], job: Job): Promise<void> {
  const quietMs = deps.clock.now() - Date.parse(job.updated_at)
  if (quietMs < job.timeout_ms + deps.leaseMs + SLACK_MS) return
  for (const lane of lanes.filter(({ type }) => type === job.type)) {
    const need = await laneNeed(deps.reader, lane)
    if (need !== null && need <= job.seq) return
  }
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
export function freshCreated(job: Job, at: string): CreatedEvent {
  const last = job.attempts.at(-1)
  const wasCut = last !== undefined && last.outcome !== 'released'
  return {
    event: 'job:created',
    job_id: job.job_id,
    object_id: job.object_id,
    type: job.type,
    priority: job.priority,
    ...(job.tenant === null ? {} : { tenant: job.tenant }),
    at,
    created_at: job.created_at,
    round: job.round,
    attempt: last === undefined ? 1 : last.attempt + (wasCut ? 1 : 0),
    crashes: job.crashes + (last?.outcome === null ? 1 : 0),
    payload: job.payload,
    timeout_ms: job.timeout_ms,
    max_attempts: job.max_attempts,
    backoff: DEFAULT_POLICY.backoff,
  }
}
