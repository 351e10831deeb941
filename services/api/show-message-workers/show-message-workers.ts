import type { Batch, BatchQuery } from '#shared/bus/read-batch.ts'
import type { RecordStream } from '#shared/bus/record-stream.ts'
import type { MessageShard, MessageWorker, MessageWorkers } from '#shared/contracts/http/messages.ts'
import { newShardRecord, type ShardRecord } from '#shared/contracts/log/ingest.ts'
import { ALL_SHARDS, MESSAGES_STREAM, receivedSubject, shardSubject } from '#shared/contracts/log/subjects.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { readShardRecord } from '../read-shard-record.ts'

export interface ShowMessageWorkersDeps {
  /** The shards' records. */
  records: Pick<RecordStream, 'read' | 'subjects'>
  readBatch(query: BatchQuery): Promise<Batch>
  /** How many there are. */
  shards: number
}

/**
 * What the shards' records say, and how much waits behind them.
 * @throws AppError `unavailable`
 */
export async function showMessageWorkers(deps: ShowMessageWorkersDeps): Promise<MessageWorkers> {
  const records = await readRecords(deps).catch(cannotBeRead)
  const shards = await Promise.all(records.map((record) => shardView(deps, record))).catch(cannotBeRead)
  const workers = records.flatMap(workerViews)
  return { workers, shards, messages_total: workers.reduce((sum, worker) => sum + worker.messages_total, 0) }
}

/** All that there are, and one that is empty of each shard that nobody has had yet. */
async function readRecords({ records, shards }: ShowMessageWorkersDeps): Promise<ShardRecord[]> {
  const subjects = await records.subjects(ALL_SHARDS)
  const known = new Set([...subjects, ...Array.from({ length: shards }, (_, shard) => shardSubject(shard))])
  const found = await Promise.all(
    [...known].map(
      async (subject) => (await readShardRecord(records, subject)) ?? newShardRecord(Number(subject.split('.')[1])),
    ),
  )
  return found.toSorted((a, b) => a.shard - b.shard)
}

async function shardView(deps: ShowMessageWorkersDeps, record: ShardRecord): Promise<MessageShard> {
  const { shard, owner, planned_seq, open, dead_total } = record
  // One message is read, and the broker says how many are behind it.
  const next = { stream: MESSAGES_STREAM, filter: receivedSubject(shard), fromSeq: planned_seq + 1, limit: 1 }
  const { messages, pending } = await deps.readBatch(next)
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
  throw unavailable('The records of the shards cannot be read.', error)
}
