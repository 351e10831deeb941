import type { Stored } from '#shared/bus/records.ts'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { ALL_SCHEDULES } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import { compareKeys, type FoundSchedule, type ScheduleRecords, type StoredSchedule } from './schedule-records.ts'

/** Called with each record that the copy takes over, and with null for each that it drops or that cannot be read. */
export type OnScheduleChange = (subject: string, stored: StoredSchedule | null) => void

/** What the copy is read from. */
export type ReadSchedules = Pick<ScheduleRecords, 'state' | 'readBatch' | 'nextFrom' | 'subjects'>

export interface ScheduleUsage {
  count: number
  /** As JSON. */
  bytes: number
}

/** Schedules that are read at once. */
const BATCH = 500
/** So few are read one by one: for a batch the broker counts what is behind it, which takes as long as these. */
const FEW = 32

/**
 * A replica's copy of all schedules. It follows the stream by sequence. Where the number of records shows that some were
 * deleted, it drops those whose subjects are gone.
 */
export class ScheduleBook {
  readonly #records: ReadSchedules
  readonly #log: Logger
  readonly #onChange: OnScheduleChange
  readonly #found = new Map<string, FoundSchedule>()
  /** Subjects of those that can be read, in order; null: not known since one came or went. */
  #sorted: string[] | null = null
  /** All records up to this sequence are in the copy. */
  #seq = 0
  /** When the stream was created: another time means another stream. */
  #created = ''
  #refreshing: Promise<void> = Promise.resolve()

  constructor(records: ReadSchedules, log: Logger, onChange: OnScheduleChange = () => undefined) {
    this.#records = records
    this.#log = log
    this.#onChange = onChange
  }

  /** All that can be read, by name, and those of the same name by tenant. */
  all(): StoredSchedule[] {
    this.#sorted ??= [...this.#found.values()]
      .filter(isReadable)
      .toSorted((one, other) => compareKeys(one.record, other.record))
      .map(({ subject }) => subject)
    return this.#sorted.map((subject) => this.#found.get(subject)).filter(isReadable)
  }

  /** The number and size of all schedules, unreadable ones included, or of a tenant's. */
  usage(tenant?: string): ScheduleUsage {
    const usage = { count: 0, bytes: 0 }
    for (const { record, bytes } of this.#found.values()) {
      if (tenant !== undefined && record?.tenant !== tenant) continue
      usage.count++
      usage.bytes += bytes
    }
    return usage
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
    if ((await this.#follow()) || (await this.#dropGone())) return
    // Others may have come in the meantime.
    if ((await this.#follow()) || (await this.#dropGone())) return
    this.#log.warn({ size: this.#found.size }, 'the copy of the schedules does not fit the broker and is read anew')
    this.#forget()
    await this.#follow()
  }

  /** @returns whether the copy has as many records as the broker */
  async #follow(): Promise<boolean> {
    const { created, lastSeq, messages } = await this.#records.state()
    if (created !== this.#created || lastSeq < this.#seq) this.#forget()
    this.#created = created
    await this.#readOn(lastSeq)
    return this.#found.size === messages
  }

  /**
   * Drops what the broker no longer has.
   * @returns whether the copy has everything that the broker has
   */
  async #dropGone(): Promise<boolean> {
    const there = new Set(await this.#records.subjects(ALL_SCHEDULES))
    for (const subject of this.#found.keys()) if (!there.has(subject)) this.#drop(subject)
    return this.#found.size === there.size
  }

  #forget(): void {
    for (const subject of this.#found.keys()) this.#drop(subject)
    this.#seq = 0
  }

  async #readOn(lastSeq: number): Promise<void> {
    while (lastSeq - this.#seq > FEW && (await this.#readBatch())) continue
    // Also what a batch lacks because the replica that answered lags: the leader has everything.
    while (this.#seq < lastSeq) {
      const next = await this.#records.nextFrom(ALL_SCHEDULES, this.#seq + 1)
      if (next === null) this.#seq = lastSeq
      else this.#put(next)
    }
  }

  /** @returns whether the replica that answered has more behind it */
  async #readBatch(): Promise<boolean> {
    const query = { filter: ALL_SCHEDULES, fromSeq: this.#seq + 1, limit: BATCH }
    const { records, isMore } = await this.#records.readBatch(query)
    for (const found of records) this.#put(found)
    return isMore && records.length > 0
  }

  #put(found: FoundSchedule): void {
    const { subject, seq } = found
    const stored = isReadable(found) ? found : null
    if (stored === null) this.#log.error({ subject, seq }, 'a schedule cannot be read and does not run')
    if (isReadable(this.#found.get(subject)) !== (stored !== null)) this.#sorted = null
    this.#found.set(subject, found)
    this.#seq = seq
    this.#onChange(subject, stored)
  }

  #drop(subject: string): void {
    this.#found.delete(subject)
    this.#sorted = null
    this.#onChange(subject, null)
  }
}

const isReadable = (found: FoundSchedule | undefined): found is Stored<ScheduleRecord> =>
  found !== undefined && found.record !== null
