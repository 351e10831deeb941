import type { RecordKind, Records } from '#shared/bus/records.ts'
import { REQUESTS_STREAM, requestSubject } from '#shared/contracts/log/subjects.ts'
import { HOUR, SECOND } from '#shared/time/clock.ts'
import { allTasks, isEnded, isRunning, type RequestRecord } from '../decide/record.ts'

export interface StoredRequest {
  /** The record's version: the broker's sequence. */
  seq: number
  record: RequestRecord
}

const KNOWN_MAX = 1_000
/**
 * Time for which an ended request, which the store keeps, leaves an empty record under its id: a replica that was
 * frozen must not start the request anew.
 */
const ENDED_KEPT_S = HOUR / SECOND
const EMPTY = ''
export const isEmptied = ({ body }: { body: string }): boolean => body === EMPTY

/** The record is null for an ended request that was emptied. */
export const REQUEST_RECORDS: RecordKind<RequestRecord | null, string> = {
  stream: REQUESTS_STREAM,
  subjectOf: requestSubject,
  parse: (body) => (body === EMPTY ? null : (JSON.parse(body) as RequestRecord)),
  stringify: (record) => (record === null ? EMPTY : JSON.stringify(record)),
}

/** Size of a message's headers. */
const HEADERS_BYTES = 4 * 1024
/** Share of the broker's message limit that is reserved while jobs run: the end of each must find room. */
const ROOM_TO_END = 0.125
/**
 * Upper bound of the bytes that the brief end of a task adds, its earlier cancel included; also for the end of the
 * request.
 */
const TASK_END_BYTES = 256
const REQUEST_END_BYTES = 8 * 1024

/**
 * The requests at the broker, one record each, written by compare-and-set. All methods throw when the broker does not
 * answer.
 */
export class RequestRecords {
  readonly #records: Records<RequestRecord | null, string>
  readonly #maxBytes: number
  readonly #runningMaxBytes: number
  /** Records as last seen here: another replica may have written since, which a write then shows. */
  readonly #known = new Map<string, StoredRequest>()

  /** @param maxPayload largest message of the broker, in bytes */
  constructor(records: Records<RequestRecord | null, string>, maxPayload: number) {
    this.#records = records
    this.#maxBytes = maxPayload - HEADERS_BYTES
    this.#runningMaxBytes = Math.floor(maxPayload * (1 - ROOM_TO_END))
  }

  known(requestId: string): StoredRequest | null {
    return this.#known.get(requestId) ?? null
  }

  /** null also for a request that has ended and was emptied: the store has it. */
  async read(requestId: string): Promise<StoredRequest | null> {
    const stored = await this.#records.read(requestId)
    if (stored === null || stored.record === null) {
      this.#known.delete(requestId)
      return null
    }
    return this.#remember({ seq: stored.seq, record: stored.record })
  }

  /**
   * @param afterSeq sequence that the record must have now; 0: there is none
   * @param isBrief whether the write may use the room that is reserved for the ends of running jobs
   * @returns null when somebody else was faster
   * @throws AppError also `payload-too-large`
   */
  async write(record: RequestRecord, afterSeq: number, isBrief = false): Promise<StoredRequest | null> {
    const maxBytes = isBrief ? this.#maxBytes : this.#maxBytesOf(record)
    const stored = await this.#records.write(record.request_id, record, { afterSeq, maxBytes })
    if (stored !== null) return this.#remember({ seq: stored.seq, record })
    this.#known.delete(record.request_id)
    return null
  }

  /**
   * Largest size of a record, which leaves room for the brief end of everything that runs, or would still be marked as
   * skipped.
   */
  #maxBytesOf(record: RequestRecord): number {
    const open = allTasks(record).filter((task) => isRunning(task) || task.status === 'new').length
    const maxBytes = this.#maxBytes - open * TASK_END_BYTES - REQUEST_END_BYTES
    return isEnded(record) ? maxBytes : Math.min(maxBytes, this.#runningMaxBytes)
  }

  /**
   * The sequence after which an emptied request can come back: that of its empty message, or 0 where that is gone too;
   * null: the request is still there.
   */
  async emptiedAt(requestId: string): Promise<number | null> {
    const stored = await this.#records.read(requestId)
    if (stored === null) return 0
    return stored.record === null ? stored.seq : null
  }

  /** Empties an ended request, and lets the broker forget it after an hour; does nothing if it has changed since. */
  async empty({ seq, record }: StoredRequest): Promise<void> {
    await this.#records.write(record.request_id, null, { afterSeq: seq, keptForS: ENDED_KEPT_S })
    this.#known.delete(record.request_id)
  }

  #remember(stored: StoredRequest): StoredRequest {
    const id = stored.record.request_id
    this.#known.delete(id)
    // The request expects nothing more.
    if (stored.record.finished_at !== null) return stored
    this.#known.set(id, stored)
    const [oldest] = this.#known.keys()
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest)
    return stored
  }
}
