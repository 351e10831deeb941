import { type BeginJobDeps, beginJob } from '#shared/accept/begin-job.ts'
import { type CheckJobDeps, checkJob } from '#shared/accept/check-job.ts'
import type { Door } from '#shared/accept/door.ts'
import { firstEvent } from '#shared/accept/first-event.ts'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { jobInLog } from '#shared/contracts/log/job-spec.ts'
import { derivedJobId } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Counter } from '#shared/process/metrics.ts'
import { jobOf } from '#shared/schedules/schedule-job.ts'
import { type Clock, MINUTE } from '#shared/time/clock.ts'

export interface MakeTickJobDeps extends CheckJobDeps, BeginJobDeps {
  door: Door
  jobExists(jobId: string): Promise<boolean>
  clock: Clock
  created: Counter<'type'>
  log: Logger
}

/**
 * Age from which a tick's job may have ended and left the log, which then no longer shows that the job existed; a job
 * that was created too early may have left it too.
 */
const OLD_MS = 1 * MINUTE

/**
 * Creates the job of one tick. Its id is derived from the tick, and its first event requires that nothing is there:
 * however often this is done, and by however many replicas, there is exactly one job.
 * @returns its id
 * @throws AppError `unavailable`: try again; any other: the job does not fit its type
 */
export async function makeTickJob(deps: MakeTickJobDeps, record: ScheduleRecord, tickMs: number): Promise<string> {
  deps.door.check()
  const body = jobOf(record)
  const type = await checkJob(deps, body)
  const jobId = derivedJobId(tickMs, 'schedule', ...ownerOf(record), record.name, record.created_at, tickMs)
  const nowMs = deps.clock.now()
  const mayBeMade = nowMs - tickMs > OLD_MS || (record.made_until !== null && tickMs <= Date.parse(record.made_until))
  if (mayBeMade && (await deps.jobExists(jobId))) return jobId
  const event = firstEvent(jobId, record.tenant, body, type, nowMs)
  // Whatever its type and priority: a PUT may have changed them while another replica created this tick's job.
  const isNew = await beginJob(deps, event, { once: 'any-address', parent: null, schedule: record.name })
  if (!isNew) return jobId
  deps.created.inc({ type: body.type })
  deps.log.info({ ...jobInLog(event), schedule: record.name }, 'job created by its schedule')
  return jobId
}

/** The tenant as a part of the id: two tenants may have created schedules of the same name at the same moment. */
const ownerOf = ({ tenant }: ScheduleRecord): string[] => (tenant === null ? [] : [tenant])
