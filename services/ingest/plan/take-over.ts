import type { OpenBatch, ShardRecord } from '#shared/contracts/log/ingest.ts'
import { startWorkers } from './start-workers.ts'
import { workersOf } from './worker-ids.ts'

export interface NewOwner {
  replicaId: string
  /** RFC 3339. */
  at: string
  workersMin: number
  workersMax: number
  /** Whoever had it died: what it was at may be why. */
  countsAsFailure: boolean
}

/** The record as its next owner writes it. Open batches stay what and whose they are. */
export function takeOver(record: ShardRecord, by: NewOwner): ShardRecord {
  const pool = Math.min(Math.max(record.pool, by.workersMin), by.workersMax)
  return {
    ...record,
    owner: by.replicaId,
    term: record.term + 1,
    open: by.countsAsFailure ? record.open.map(blameBegun(record)) : record.open,
    pool,
    workers: startWorkers(record.workers, workersOf(record.shard, pool), by.at),
  }
}

/** Of each worker one batch was running, its first; what was behind it had not begun. */
function blameBegun({ open }: ShardRecord): (batch: OpenBatch) => OpenBatch {
  const begun = new Set(open.filter(({ worker }, i) => open.findIndex((other) => other.worker === worker) === i))
  return (batch) => (begun.has(batch) ? { ...batch, failed: batch.failed + 1 } : batch)
}

/**
 * For a stream that ends before what was planned from it: its last messages are gone (a power cut at a broker that does
 * not sync every write, a restored snapshot), and new ones take their sequences.
 * @param lastSeq of the stream
 */
export function forgetBeyond(record: ShardRecord, lastSeq: number): ShardRecord {
  const { planned_ns: _ofALostOne, ...kept } = record
  return {
    ...kept,
    planned_seq: Math.min(record.planned_seq, lastSeq),
    open: record.open
      .filter((batch) => batch.from_seq <= lastSeq)
      .map((batch) => ({ ...batch, to_seq: Math.min(batch.to_seq, lastSeq) })),
  }
}
