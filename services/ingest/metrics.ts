import { counter, gauge, histogram, type Registry, RUN_BUCKETS_S } from '#shared/process/metrics.ts'
import type { ShardOwner } from './own-shard/shard-owner.ts'
import type { AttemptEnd } from './plan/commit-batches.ts'

export type IngestMetrics = ReturnType<typeof createIngestMetrics>

export function createIngestMetrics(registry: Registry) {
  const processed = counter(registry, 'hasty_messages_processed_total', 'Processed messages', ['shard', 'worker'])
  const batches = counter(registry, 'hasty_message_batches_total', 'Finished batches', ['shard', 'worker'])
  const failures = counter(
    registry,
    'hasty_message_batch_failures_total',
    'Attempts at batches that left some messages unprocessed',
    ['shard'],
  )
  const dead = counter(registry, 'hasty_messages_dead_total', 'Messages that no attempt could process', ['shard'])
  const seconds = histogram(
    registry,
    'hasty_message_batch_duration_seconds',
    'Duration of attempts at batches',
    RUN_BUCKETS_S,
    ['shard'],
  )
  const unhandledRejections = counter(
    registry,
    'hasty_unhandled_rejections_total',
    'Rejected promises of the handler that nobody awaited',
  )
  const workers = gauge(registry, 'hasty_message_workers', 'Workers in the pool of a shard owned here', ['shard'])
  const waiting = gauge(registry, 'hasty_messages_waiting', 'Messages of a shard owned here that are in no batch yet', [
    'shard',
  ])
  const open = gauge(registry, 'hasty_message_batches_open', 'Unfinished batches of a shard owned here', ['shard'])
  return {
    unhandledRejections,
    /** Shows the shards that this replica owns now; metrics of other shards are removed. */
    show(owners: Pick<ShardOwner, 'record' | 'waiting'>[]): void {
      for (const one of [workers, waiting, open]) one.reset()
      for (const owner of owners) {
        const { shard, pool, open: notDone } = owner.record
        workers.set({ shard }, pool)
        waiting.set({ shard }, owner.waiting)
        open.set({ shard }, notDone.length)
      }
    },
    attempted(shard: number, worker: string, end: AttemptEnd, ms: number): void {
      seconds.observe({ shard }, ms / 1000)
      processed.inc({ shard, worker }, end.done)
      dead.inc({ shard }, end.dead)
      if (end.left.length > 0) failures.inc({ shard })
      else batches.inc({ shard, worker })
    },
  }
}
