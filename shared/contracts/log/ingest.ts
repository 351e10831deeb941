import { z } from 'zod'
import { INGEST_STREAM, shardSubject } from './subjects.ts'

/** A batch that is fixed and not yet done: its content never changes, whichever replica owns the shard. */
export const openBatchSchema = z.object({
  /** Number of the batch in its shard, from 1. */
  batch: z.number().int(),
  /** The worker that has the batch, such as `2-0`: the first worker of shard 2. */
  worker: z.string(),
  /** First sequence of the batch: it has all messages of the shard between two sequences of the stream. */
  from_seq: z.number().int(),
  to_seq: z.number().int(),
  count: z.number().int(),
  /** Number of failed attempts. */
  failed: z.number().int(),
  /** The unfinished sequences; absent until some are finished. */
  left: z.array(z.number().int()).optional(),
})
export type OpenBatch = z.infer<typeof openBatchSchema>

export const workerCountsSchema = z.object({
  /** `<shard>-<place in the pool>`: the same worker in whichever replica owns the shard. */
  worker: z.string(),
  /** Start of the worker's current uninterrupted run. */
  started_at: z.string(),
  batches_since_start: z.number().int(),
  messages_since_start: z.number().int(),
  batches_total: z.number().int(),
  messages_total: z.number().int(),
})
export type WorkerCounts = z.infer<typeof workerCountsSchema>

/** The state of a shard: one record at the broker, written by compare-and-set by the replica that owns the shard. */
const shardRecordSchema = z.object({
  shard: z.number().int(),
  /** The replica that owns the shard; null: nobody. */
  owner: z.string().nullable(),
  /** Rises with every change of owner. */
  term: z.number().int(),
  next_batch: z.number().int(),
  /** The sequence up to which the shard's messages belong to a batch. Those before the first open batch are done. */
  planned_seq: z.number().int(),
  /**
   * When the broker stored the last planned message: nanoseconds since 1970. A younger message of the shard without a
   * higher sequence took the sequence of one that the stream lost.
   */
  planned_ns: z.string().optional(),
  open: z.array(openBatchSchema),
  /** All workers that the shard has ever had. */
  workers: z.array(workerCountsSchema),
  /** Number of workers that the shard has now. */
  pool: z.number().int(),
  dead_total: z.number().int(),
})
export type ShardRecord = z.infer<typeof shardRecordSchema>

/** The record of a shard that nobody has owned yet. */
export const newShardRecord = (shard: number): ShardRecord => ({
  shard,
  owner: null,
  term: 0,
  next_batch: 1,
  planned_seq: 0,
  open: [],
  workers: [],
  pool: 0,
  dead_total: 0,
})

/** The kind of record for shared/bus/records.ts. `parse` throws where a record does not match this contract. */
export const SHARD_RECORDS = {
  stream: INGEST_STREAM,
  subjectOf: shardSubject,
  parse: (body: string): ShardRecord => shardRecordSchema.parse(JSON.parse(body)),
}
