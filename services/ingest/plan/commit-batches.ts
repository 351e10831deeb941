import type { OpenBatch, ShardRecord, WorkerCounts } from '#shared/contracts/log/ingest.ts'

/** The result of one attempt at a batch. */
export interface AttemptEnd {
  batch: number
  /** Number of processed messages. */
  done: number
  /** Number of messages that went to the dead letters. */
  dead: number
  /** Sequences that need another attempt; none: the batch is done. */
  left: number[]
}

/** The record after these attempts: finished batches are no longer open, and count for their workers. */
export function commitBatches(record: ShardRecord, ends: readonly AttemptEnd[]): ShardRecord {
  let next = record
  for (const end of ends) next = commit(next, end)
  return next
}

function commit(record: ShardRecord, end: AttemptEnd): ShardRecord {
  const batch = record.open.find((open) => open.batch === end.batch)
  if (batch === undefined) return record
  const isDone = end.left.length === 0
  return {
    ...record,
    open: isDone
      ? record.open.filter((open) => open !== batch)
      : record.open.map((open) => (open === batch ? afterFailure(batch, end.left) : open)),
    workers: record.workers.map((counts) =>
      counts.worker === batch.worker ? withMore(counts, isDone ? 1 : 0, end.done) : counts,
    ),
    dead_total: record.dead_total + end.dead,
  }
}

const afterFailure = (batch: OpenBatch, left: number[]): OpenBatch => ({
  ...batch,
  failed: batch.failed + 1,
  ...(left.length < batch.count ? { left } : {}),
})

const withMore = (counts: WorkerCounts, batches: number, messages: number): WorkerCounts => ({
  ...counts,
  batches_since_start: counts.batches_since_start + batches,
  messages_since_start: counts.messages_since_start + messages,
  batches_total: counts.batches_total + batches,
  messages_total: counts.messages_total + messages,
})
