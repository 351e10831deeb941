import type { RecordKind, Records, Stored } from '#shared/bus/records.ts'
import { type ScheduleRecord, scheduleRecordSchema } from '#shared/contracts/http/schedules.ts'
import { SCHEDULES_STREAM, scheduleSubject } from '#shared/contracts/log/subjects.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { nextTick } from './tick-times.ts'

/** Each tenant has names of its own, and so have those who are of none. */
export type ScheduleKey = Pick<ScheduleRecord, 'tenant' | 'name'>

/** A schedule that can be read. */
export type StoredSchedule = Pick<Stored<ScheduleRecord>, 'seq' | 'record'>

/** The record is null where it cannot be read, as after a step back to an older version. */
export type FoundSchedule = Stored<ScheduleRecord | null>

export type ScheduleRecords = Records<ScheduleRecord | null, ScheduleKey>

export const SCHEDULE_RECORDS: RecordKind<ScheduleRecord | null, ScheduleKey> = {
  stream: SCHEDULES_STREAM,
  subjectOf: ({ tenant, name }) => scheduleSubject(hashNames(tenant, name)),
  parse(body) {
    try {
      const record = scheduleRecordSchema.parse(JSON.parse(body))
      // Throws for a cron or a zone that is not known here.
      nextTick(record, Date.parse(record.settled_until))
      return record
    } catch {
      return null
    }
  },
}
