import type { Records } from '#shared/bus/records.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { MessageShard, MessageWorker, MessageWorkers } from '#shared/contracts/http/messages.ts'
import { newShardRecord, type ShardRecord } from '#shared/contracts/log/ingest.ts'
import { ALL_SHARDS, receivedSubject } from '#shared/contracts/log/subjects.ts'
import { unavailable } from '#shared/errors/app-error.ts'

export interface ShowMessageWorkersDeps {
  /** The shards' records. */
  records: Pick<Records<ShardRecord, number>, 'read' | 'subjects'>
  /** The stream of messages. */
  stream: Pick<Stream, 'readBatch'>
  /** The number of shards. */
  shards: number
}

/**
 * The content of the shards' records, and the number of messages that wait behind them.
 * @throws AppError `unavailable`
 */
export async function showMessageWorkers(deps: ShowMessageWorkersDeps): Promise<MessageWorkers> {
  const records = await readRecords(deps).catch(cannotBeRead)
  const shards = await Promise.all(records.map((record) => shardView(deps, record))).catch(cannotBeRead)
  const workers = records.flatMap(workerViews)
  return { workers, shards, messages_total: workers.reduce((sum, worker) => sum + worker.messages_total, 0) }
}

/** All existing records, and an empty one for each shard that nobody has owned yet. */
async function readRecords({ records, shards }: ShowMessageWorkersDeps): Promise<ShardRecord[]> {
  const stored = (await records.subjects(ALL_SHARDS)).map((subject) => Number(subject.split('.')[1]))
  const known = new Set([...stored, ...Array.from({ length: shards }, (_, shard) => shard)])
  const read = async (shard: number) => (await records.read(shard))?.record ?? newShardRecord(shard)
  const found = await Promise.all([...known].map(read))
  return found.toSorted((a, b) => a.shard - b.shard)
}

async function shardView(deps: ShowMessageWorkersDeps, record: ShardRecord): Promise<MessageShard> {
  const { shard, owner, planned_seq, open, dead_total } = record
  // One message is read, and the broker reports how many follow it.
  const next = { filter: receivedSubject(shard), fromSeq: planned_seq + 1, limit: 1 }
  const { messages, pending } = await deps.stream.readBatch(next)
  return { shard, replica_id: owner, waiting: messages.length + pending, open_batches: open.length, dead_total }
}

const workerViews = ({ shard, owner, pool, workers }: ShardRecord): MessageWorker[] =>
  workers.map(({ worker, ...counts }) => ({
    worker_id: worker,
    shard,
    replica_id: owner,
    running: owner !== null && Number(worker.split('-')[1]) < pool,
    ...counts,
  }))

function cannotBeRead(error: unknown): never {
  throw unavailable('The broker did not answer about shards. Try again.', error)
}
