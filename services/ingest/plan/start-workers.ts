import type { WorkerCounts } from '#shared/contracts/log/ingest.ts'

/** The counts, with those of the named workers reset: they start now, or again. */
export function startWorkers(workers: WorkerCounts[], names: string[], at: string): WorkerCounts[] {
  const known = new Map(workers.map((counts) => [counts.worker, counts]))
  for (const worker of names) {
    const { batches_total = 0, messages_total = 0 } = known.get(worker) ?? {}
    known.set(worker, {
      worker,
      started_at: at,
      batches_since_start: 0,
      messages_since_start: 0,
      batches_total,
      messages_total,
    })
  }
  return [...known.values()]
}
