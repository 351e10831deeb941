import type { OpenBatch, ShardRecord } from '#shared/contracts/log/ingest.ts'
import { workersOf } from './worker-ids.ts'

/** Number of batches that each worker has to do, without those that wait for their next attempt. */
export type Loads = ReadonlyMap<string, number>

export interface Waiting {
  /** Sequences of the shard's messages that are in no batch yet, in order. */
  seqs: readonly number[]
  /** Number of them that have waited long enough to go into a batch that is not full. */
  due: number
}

/** One batch that runs, and one that is planned, so that a worker never waits for the record to be written. */
const LOAD_MAX = 2
/**
 * Number of open batches beyond which nothing is planned: it bounds the record, and the batches that a failing handler
 * accumulates.
 */
const OPEN_MAX = 64

/** The record with as many new batches as there are messages and room for; the same record when there is none. */
export function planBatches(record: ShardRecord, waiting: Waiting, loads: Loads, batchSize: number): ShardRecord {
  const planned: OpenBatch[] = []
  const load = new Map(loads)
  for (let from = 0; record.open.length + planned.length < OPEN_MAX; ) {
    const isWhole = waiting.seqs.length - from >= batchSize
    const seqs = waiting.seqs.slice(from, from + batchSize)
    const [first, last] = [seqs[0], seqs.at(-1)]
    if (first === undefined || last === undefined || !(isWhole || from < waiting.due)) break
    const worker = freestWorker(record, load)
    if (worker === null) break
    load.set(worker, (load.get(worker) ?? 0) + 1)
    const batch = record.next_batch + planned.length
    planned.push({ batch, worker, from_seq: first, to_seq: last, count: seqs.length, failed: 0 })
    from += seqs.length
  }
  const last = planned.at(-1)
  if (last === undefined) return record
  return { ...record, next_batch: last.batch + 1, planned_seq: last.to_seq, open: [...record.open, ...planned] }
}

/** Among the workers with the lowest load, the one that has processed least; null: all have enough. */
export function freestWorker(record: ShardRecord, loads: Loads): string | null {
  const doneBy = new Map(record.workers.map(({ worker, messages_total }) => [worker, messages_total]))
  const free = workersOf(record.shard, record.pool)
    .map((worker) => ({ worker, load: loads.get(worker) ?? 0, done: doneBy.get(worker) ?? 0 }))
    .filter(({ load }) => load < LOAD_MAX)
    .toSorted((a, b) => a.load - b.load || a.done - b.done)
  return free[0]?.worker ?? null
}
