import type { LogMessage } from '#shared/bus/log-reader.ts'
import type { RecordStream, RecordStreamState } from '#shared/bus/record-stream.ts'
import { type ScheduleRecord, scheduleRecordSchema } from '#shared/contracts/http/schedules.ts'
import { ALL_SCHEDULES, scheduleSubject } from '#shared/contracts/log/subjects.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { SECOND } from '#shared/time/clock.ts'
import { nextTick } from './tick-times.ts'

/** A schedule as it is at the broker. */
export interface StoredSchedule {
  seq: number
  record: ScheduleRecord
}

export interface FoundSchedule {
  subject: string
  seq: number
  /** null where it cannot be read, as after a step back to an older version. */
  record: ScheduleRecord | null
}

/** Under nginx's read timeout: a caller gets our answer, not a gateway's. */
const WRITE_DEADLINE_MS = 5 * SECOND

const subjectOf = ({ tenant, name }: ScheduleKey): string => scheduleSubject(hashNames(tenant, name))

/** Each tenant has names of its own, and so have those who are of none. */
export type ScheduleKey = Pick<ScheduleRecord, 'tenant' | 'name'>

/** The schedules at the broker, one record each. All throw when the broker does not answer. */
export class ScheduleRecords {
  readonly #stream: RecordStream

  constructor(stream: RecordStream) {
    this.#stream = stream
  }

  async read(key: ScheduleKey): Promise<FoundSchedule | null> {
    return found(await this.#stream.read(subjectOf(key)))
  }

  async nextFrom(seq: number): Promise<FoundSchedule | null> {
    return found(await this.#stream.nextFrom(ALL_SCHEDULES, seq))
  }

  /**
   * @param afterSeq what the record must be now; 0: there is none
   * @returns null when somebody else was faster
   */
  async write(record: ScheduleRecord, afterSeq: number): Promise<StoredSchedule | null> {
    const message = { subject: subjectOf(record), body: JSON.stringify(record), afterSeq }
    const seq = await this.#stream.write(message, WRITE_DEADLINE_MS)
    return seq === null ? null : { seq, record }
  }

  /** @returns false when somebody else was faster */
  remove(key: ScheduleKey, seq: number): Promise<boolean> {
    return this.#stream.remove(subjectOf(key), seq)
  }

  state(): Promise<RecordStreamState> {
    return this.#stream.state()
  }
}

const found = (message: LogMessage | null): FoundSchedule | null =>
  message === null ? null : { subject: message.subject, seq: message.seq, record: parseRecord(message.body) }

function parseRecord(body: string): ScheduleRecord | null {
  try {
    const record = scheduleRecordSchema.parse(JSON.parse(body))
    // Throws for a cron or a zone that is not known here.
    nextTick(record, Date.parse(record.settled_until))
    return record
  } catch {
    return null
  }
}
