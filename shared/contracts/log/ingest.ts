import { z } from 'zod'
import { INGEST_STREAM, shardSubject } from './subjects.ts'

/** A batch that is fixed and not yet done: what it holds never changes, whoever has the shard. */
export const openBatchSchema = z.object({
  /** Counts the batches of a shard from 1. */
  batch: z.number().int(),
  /** Whose it is, as in `2-0`: the first worker of shard 2. */
  worker: z.string(),
  /** All messages of the shard from one sequence of the stream to the other. */
  from_seq: z.number().int(),
  to_seq: z.number().int(),
  count: z.number().int(),
  /** Attempts that failed. */
  failed: z.number().int(),
  /** The sequences that are not done yet, where some are. */
  left: z.array(z.number().int()).optional(),
})
export type OpenBatch = z.infer<typeof openBatchSchema>

export const workerCountsSchema = z.object({
  /** `<shard>-<place in the pool>`: the same worker in whatever replica has the shard. */
  worker: z.string(),
  /** Since when it works without a break. */
  started_at: z.string(),
  batches_since_start: z.number().int(),
  messages_since_start: z.number().int(),
  batches_total: z.number().int(),
  messages_total: z.number().int(),
})
export type WorkerCounts = z.infer<typeof workerCountsSchema>

/** What is known of a shard: one record at the broker, written by compare-and-set by the replica that has the shard. */
const shardRecordSchema = z.object({
  shard: z.number().int(),
  /** The replica that has it; null: nobody. */
  owner: z.string().nullable(),
  /** Rises with every change of owner. */
  term: z.number().int(),
  next_batch: z.number().int(),
  /** The sequence up to which the shard's messages belong to a batch. Those before the first open batch are done. */
  planned_seq: z.number().int(),
  /**
   * When the broker stored the last message that was planned: nanoseconds since 1970. A shard's message that is younger
   * and has no higher sequence took that of one that the stream lost.
   */
  planned_ns: z.string().optional(),
  open: z.array(openBatchSchema),
  /** All that there ever were. */
  workers: z.array(workerCountsSchema),
  /** How many of its workers are there now. */
  pool: z.number().int(),
  dead_total: z.number().int(),
})
export type ShardRecord = z.infer<typeof shardRecordSchema>

/** Of a shard that nobody has had yet. */
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

/** The kind of record, as shared/bus/records.ts takes it. `parse` throws where a record is not of this contract. */
export const SHARD_RECORDS = {
  stream: INGEST_STREAM,
  subjectOf: shardSubject,
  parse: (body: string): ShardRecord => shardRecordSchema.parse(JSON.parse(body)),
}
