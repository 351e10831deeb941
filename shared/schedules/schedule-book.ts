import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { ALL_SCHEDULES } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { ScheduleRecords, StoredSchedule } from './schedule-records.ts'

interface Entry {
  seq: number
  /** null: the record cannot be read. */
  record: ScheduleRecord | null
}

/**
 * A replica's copy of all schedules. It follows the stream by sequence, and is rebuilt when the number of records shows
 * that some were deleted.
 */
export class ScheduleBook {
  readonly #records: ScheduleRecords
  readonly #log: Logger
  #entries = new Map<string, Entry>()
  /** All records up to this sequence are in the copy. */
  #seq = 0
  /** When the stream was created: another time means another stream. */
  #created = ''
  #refreshing: Promise<void> = Promise.resolve()

  constructor(records: ScheduleRecords, log: Logger) {
    this.#records = records
    this.#log = log
  }

  /** Number of schedules, unreadable ones included. */
  get size(): number {
    return this.#entries.size
  }

  all(): StoredSchedule[] {
    return [...this.#entries.values()].flatMap(({ seq, record }) => (record === null ? [] : [{ seq, record }]))
  }

  /**
   * Updates the copy: afterwards it has everything that was stored before the call.
   * @throws when the broker does not answer
   */
  refresh(): Promise<void> {
    // One after the other: a caller never shares a refresh that began before the call.
    const next = this.#refreshing.then(() => this.#refresh())
    this.#refreshing = next.catch(() => undefined)
    return next
  }

  async #refresh(): Promise<void> {
    const { created, lastSeq, messages: count } = await this.#records.state()
    if (created !== this.#created || lastSeq < this.#seq) this.#forget(created)
    if (lastSeq > this.#seq) await this.#readOn(lastSeq)
    if (this.#entries.size === count) return
    this.#forget(created)
    await this.#readOn(lastSeq)
  }

  #forget(created: string): void {
    this.#entries = new Map()
    this.#seq = 0
    this.#created = created
  }

  async #readOn(lastSeq: number): Promise<void> {
    for (let from = this.#seq + 1; from <= lastSeq; ) {
      const found = await this.#records.nextFrom(ALL_SCHEDULES, from)
      if (found === null) break
      const { subject, seq, record } = found
      if (record === null) this.#log.error({ subject, seq }, 'a schedule cannot be read and does not run')
      this.#entries.set(subject, { seq, record })
      from = seq + 1
      this.#seq = seq
    }
    this.#seq = Math.max(this.#seq, lastSeq)
  }
}
