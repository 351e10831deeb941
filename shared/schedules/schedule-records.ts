import type { RecordKind, Records, Stored } from '#shared/bus/records.ts'
import { type ScheduleRecord, scheduleRecordSchema } from '#shared/contracts/http/schedules.ts'
import { SCHEDULES_STREAM, scheduleSubject } from '#shared/contracts/log/subjects.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { firstOpenTick } from './settled-until.ts'

/** The key of a schedule. Each tenant has its own name space, and so do callers without a tenant. */
export type ScheduleKey = Pick<ScheduleRecord, 'tenant' | 'name'>

/** A schedule that can be read. */
export type StoredSchedule = Pick<Stored<ScheduleRecord>, 'seq' | 'record'>

/** A schedule; the record is null where it cannot be read, as after a downgrade to an older version. */
export type FoundSchedule = Stored<ScheduleRecord | null>

export type ScheduleRecords = Records<ScheduleRecord | null, ScheduleKey>

/** The order of lists: by name, and schedules of the same name by tenant. */
export const compareKeys = (one: ScheduleKey, other: ScheduleKey): number =>
  compareText(one.name, other.name) || compareText(one.tenant ?? '', other.tenant ?? '')

const compareText = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1)

export const SCHEDULE_RECORDS: RecordKind<ScheduleRecord | null, ScheduleKey> = {
  stream: SCHEDULES_STREAM,
  subjectOf: ({ tenant, name }) => scheduleSubject(hashNames(tenant, name)),
  parse(body) {
    try {
      const record = scheduleRecordSchema.parse(JSON.parse(body))
      // Throws for a cron pattern or time zone that this process does not know.
      firstOpenTick(record)
      return record
    } catch {
      return null
    }
  },
}
