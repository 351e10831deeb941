import type { RecordStream } from '#shared/bus/record-stream.ts'
import { parseShardRecord, type ShardRecord } from '#shared/contracts/log/ingest.ts'

/**
 * What the ingest service knows of a shard; null: nobody has had it yet.
 * @throws when the broker does not answer, or with a record of a later contract
 */
export async function readShardRecord(
  records: Pick<RecordStream, 'read'>,
  subject: string,
): Promise<ShardRecord | null> {
  const message = await records.read(subject)
  return message === null ? null : parseShardRecord(message.body)
}
