import type { RecordStream } from '#shared/bus/record-stream.ts'
import { requestSubject } from '#shared/contracts/subjects.ts'
import { HOUR, SECOND } from '#shared/runtime/clock.ts'
import type { Input } from '../decide/decide.ts'
import type { RequestRecord } from '../decide/record.ts'
import { Together } from './together.ts'

export interface StoredRequest {
  /** Its version: the broker's sequence. */
  seq: number
  record: RequestRecord
}

const WRITE_DEADLINE_MS = 5 * SECOND
const KNOWN_MAX = 1_000
/** An ended one is in the store for good: here it stays for those who look a moment later. */
const ENDED_KEPT_S = HOUR / SECOND

/** The requests at the broker, one record each, written by compare-and-set. All throw when the broker does not answer. */
export class RequestRecords {
  readonly #stream: RecordStream
  /** As last seen here: another replica may have written since, which a write then tells. */
  readonly #known = new Map<string, StoredRequest>()

  readonly #changes = new Together<Input, StoredRequest | null>()

  constructor(stream: RecordStream) {
    this.#stream = stream
  }

  /** One change of a request at a time, with all that has come for it. */
  together(
    requestId: string,
    input: Input,
    change: (inputs: Input[]) => Promise<StoredRequest | null>,
  ): Promise<StoredRequest | null> {
    return this.#changes.add(requestId, input, change)
  }

  known(requestId: string): StoredRequest | null {
    return this.#known.get(requestId) ?? null
  }

  async read(requestId: string): Promise<StoredRequest | null> {
    const message = await this.#stream.read(requestSubject(requestId))
    if (message === null) {
      this.#known.delete(requestId)
      return null
    }
    return this.#remember({ seq: message.seq, record: JSON.parse(message.body) as RequestRecord })
  }

  /**
   * @param afterSeq what the record must be now; 0: there is none
   * @returns null when somebody else was faster
   * @throws AppError also `payload-too-large`
   */
  write(record: RequestRecord, afterSeq: number): Promise<StoredRequest | null> {
    return this.#write(record, afterSeq)
  }

  /** Lets the broker forget an ended request after an hour; nothing when it has changed since. */
  async limit({ seq, record }: StoredRequest): Promise<void> {
    await this.#write(record, seq, ENDED_KEPT_S)
  }

  async #write(record: RequestRecord, afterSeq: number, keptForS?: number): Promise<StoredRequest | null> {
    const subject = requestSubject(record.request_id)
    const seq = await this.#stream.write(
      { subject, body: JSON.stringify(record), afterSeq, keptForS },
      WRITE_DEADLINE_MS,
    )
    if (seq !== null) return this.#remember({ seq, record })
    this.#known.delete(record.request_id)
    return null
  }

  #remember(stored: StoredRequest): StoredRequest {
    const id = stored.record.request_id
    this.#known.delete(id)
    // Nothing more is expected of it.
    if (stored.record.finished_at !== null) return stored
    this.#known.set(id, stored)
    const [oldest] = this.#known.keys()
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest)
    return stored
  }
}
