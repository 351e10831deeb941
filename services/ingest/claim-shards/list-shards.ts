import type { RecordStream } from '#shared/bus/record-stream.ts'
import { ALL_RECEIVED } from '#shared/contracts/log/subjects.ts'

const [PREFIX] = ALL_RECEIVED.split('*')

/**
 * The shards that messages go to now, and those that still have some of a time when there were more.
 * @throws when the broker does not answer
 */
export async function listShards(messages: Pick<RecordStream, 'subjects'>, shards: number): Promise<number[]> {
  const filled = (await messages.subjects(ALL_RECEIVED)).map((subject) => Number(subject.slice(PREFIX?.length)))
  return [...new Set([...Array.from({ length: shards }, (_, shard) => shard), ...filled])]
}
