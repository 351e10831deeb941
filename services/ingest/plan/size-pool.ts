import type { ShardRecord } from '#shared/contracts/log/ingest.ts'
import { freestWorker, type Loads } from './plan-batches.ts'
import { startWorkers } from './start-workers.ts'
import { workerId } from './worker-ids.ts'

/** The record with one more worker, where a full batch waits and every worker has enough to do. */
export function growPool(
  record: ShardRecord,
  { waits, loads, workersMax, at }: { waits: boolean; loads: Loads; workersMax: number; at: string },
): ShardRecord {
  if (!waits || record.pool >= workersMax || freestWorker(record, loads) !== null) return record
  const worker = workerId(record.shard, record.pool)
  return { ...record, pool: record.pool + 1, workers: startWorkers(record.workers, [worker], at) }
}

/** The record with one worker less, where the last one has had nothing to do for long enough. */
export function shrinkPool(
  record: ShardRecord,
  { lastIsIdle, workersMin }: { lastIsIdle: boolean; workersMin: number },
): ShardRecord {
  if (!lastIsIdle || record.pool <= workersMin) return record
  return { ...record, pool: record.pool - 1 }
}
