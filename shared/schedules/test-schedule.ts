import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { isoTime } from '#shared/time/clock.ts'

/** The present of the tests of schedules. */
export const NOW = Date.parse('2027-01-01T12:00:00.000Z')

/** A schedule that was created at a time and is settled until then; for tests. */
export const scheduleMadeAt = (madeMs: number, own: Partial<ScheduleRecord>): ScheduleRecord => ({
  name: 's',
  tenant: null,
  cron: null,
  every_ms: null,
  timezone: 'UTC',
  job: { type: 'sleep', priority: 'normal' },
  paused: false,
  on_missed: 'latest',
  starts_at: null,
  ends_at: null,
  created_at: isoTime(madeMs),
  updated_at: isoTime(madeMs),
  anchor: isoTime(madeMs),
  settled_until: isoTime(madeMs),
  made_until: null,
  changed_seq: null,
  last_tick_at: null,
  last_job_id: null,
  last_error: null,
  ...own,
})

/** A schedule that was created at the present of the tests. */
export const testSchedule = (own: Partial<ScheduleRecord>): ScheduleRecord => scheduleMadeAt(NOW, own)
