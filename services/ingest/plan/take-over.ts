import type { OpenBatch, ShardRecord } from '#shared/contracts/log/ingest.ts'
import { startWorkers } from './start-workers.ts'
import { workersOf } from './worker-ids.ts'

export interface NewOwner {
  replicaId: string
  /** RFC 3339. */
  at: string
  workersMin: number
  workersMax: number
  /** Whether the previous owner died, possibly because of its running batches. */
  countsAsFailure: boolean
}

/** The record as its next owner writes it. Open batches keep their content and their worker. */
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

/** Blames the batches that were running: each worker runs only its first open batch; later ones had not started. */
function blameBegun({ open }: ShardRecord): (batch: OpenBatch) => OpenBatch {
  const begun = new Set(open.filter(({ worker }, i) => open.findIndex((other) => other.worker === worker) === i))
  return (batch) => (begun.has(batch) ? { ...batch, failed: batch.failed + 1 } : batch)
}

/**
 * The record for a stream that ends before the planned messages do: its last messages are gone (a power cut at a broker
 * that does not sync every write, a restored snapshot), and new ones take their sequences.
 * @param lastSeq the stream's last sequence
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
