import type { RecordStream } from '#shared/bus/record-stream.ts'
import { parseShardRecord, type ShardRecord } from '#shared/contracts/log/ingest.ts'
import { shardSubject } from '#shared/contracts/log/subjects.ts'

/** A record and the sequence that its next write compares with. */
export interface StoredShard {
  record: ShardRecord
  /** 0: nothing is stored yet. */
  seq: number
}

export class ShardRecords {
  readonly #stream: RecordStream

  constructor(stream: RecordStream) {
    this.#stream = stream
  }

  /** @throws when the broker does not answer, or the record is not of this contract */
  async read(shard: number): Promise<StoredShard | null> {
    const message = await this.#stream.read(shardSubject(shard))
    if (message === null) return null
    return { record: parseShardRecord(message.body), seq: message.seq }
  }

  /**
   * @param deadlineMs Infinity: until there is a verdict
   * @returns null when somebody else wrote first
   * @throws AppError `unavailable` when there is no verdict by the deadline
   */
  async write(record: ShardRecord, afterSeq: number, deadlineMs: number): Promise<StoredShard | null> {
    const subject = shardSubject(record.shard)
    const seq = await this.#stream.write({ subject, body: JSON.stringify(record), afterSeq }, deadlineMs)
    return seq === null ? null : { record, seq }
  }
}
