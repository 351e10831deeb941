import {
  NEXT_RUNS,
  type ScheduleRecord,
  type ScheduleSummary,
  type ScheduleView,
} from '#shared/contracts/http/schedules.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { firstOpenTick, isSettledAhead, settledUntil } from '#shared/schedules/settled-until.ts'
import { nextTick, nextTicks } from '#shared/schedules/tick-times.ts'
import { isoTime } from '#shared/time/clock.ts'

export function scheduleView(record: ScheduleRecord, nowMs: number): ScheduleView {
  const next = nextRuns(record, nowMs, NEXT_RUNS)
  return { ...shown(record), job: record.job, next_run_at: next[0] ?? null, next_runs: next }
}

export function scheduleSummary(record: ScheduleRecord, nowMs: number): ScheduleSummary {
  const { payload: _payload, ...job } = record.job
  const nextMs = record.paused ? null : nextRun(record, nowMs)
  return { ...shown(record), job, next_run_at: nextMs === null ? null : isoTime(nextMs) }
}

const shown = (record: ScheduleRecord) => ({
  name: record.name,
  ...tenantMember(record.tenant),
  cron: record.cron,
  every_ms: record.every_ms,
  timezone: record.timezone,
  paused: record.paused,
  on_missed: record.on_missed,
  starts_at: record.starts_at,
  ends_at: record.ends_at,
  created_at: record.created_at,
  updated_at: record.updated_at,
  last_tick_at: record.last_tick_at,
  last_job_id: record.last_job_id,
  last_error: record.last_error,
})

const nextRuns = (record: ScheduleRecord, nowMs: number, count: number): string[] =>
  record.paused ? [] : nextTicks(record, Math.max(nowMs, Date.parse(settledUntil(record, nowMs))), count).map(isoTime)

/** The first of them. For most of a long list it is known already, and a cron pattern need not be asked. */
function nextRun(record: ScheduleRecord, nowMs: number): number | null {
  if (isSettledAhead(record, nowMs)) return nextTick(record, nowMs)
  const openMs = firstOpenTick(record)
  return openMs === null || openMs > nowMs ? openMs : nextTick(record, nowMs)
}
