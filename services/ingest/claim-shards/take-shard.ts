import { newShardRecord, type ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, isoTime, SECOND, sleep } from '#shared/time/clock.ts'
import type { MessageStream } from '../message-stream.ts'
import type { ShardRecords, StoredShard } from '../own-shard/ownership.ts'
import { forgetBeyond, takeOver } from '../plan/take-over.ts'

export interface TakeShardDeps {
  records: ShardRecords
  messages: Pick<MessageStream, 'lastSeq' | 'findRewrittenTail'>
  /** false soon after the broker was away: the heartbeats of live replicas have yet to come. */
  livenessIsKnown(): boolean
  replicaId: string
  workersMin: number
  workersMax: number
  clock: Clock
  log: Logger
}

/** Pause before the second look: a cluster node that has just become the leader may be behind for a moment. */
const LOOK_AGAIN_MS = 5 * SECOND

/**
 * Takes a shard that has no owner, or whose owner is gone.
 * @returns null when the shard belongs to another replica
 * @throws when the broker does not answer
 */
export async function takeShard(
  deps: TakeShardDeps,
  shard: number,
  live: readonly string[],
): Promise<StoredShard | null> {
  const { records, replicaId, workersMin, workersMax, clock, log } = deps
  const { record, seq } = (await records.read(shard)) ?? { record: newShardRecord(shard), seq: 0 }
  const { owner } = record
  const isOwnedByOther = owner !== null && owner !== replicaId
  if (isOwnedByOther && (live.includes(owner) || !deps.livenessIsKnown())) return null
  const taken = takeOver(await withinStream(deps, record), {
    replicaId,
    at: isoTime(clock.now()),
    workersMin,
    workersMax,
    countsAsFailure: isOwnedByOther,
  })
  const stored = await records.write(shard, taken, { afterSeq: seq })
  if (stored !== null) log.info({ shard, from: owner, term: taken.term, open: taken.open.length }, 'shard taken')
  return stored
}

async function withinStream(deps: TakeShardDeps, record: ShardRecord): Promise<ShardRecord> {
  const { shard, planned_seq, planned_ns } = record
  const lastSeq = await readLastSeq(deps, planned_seq)
  const rewritten = await deps.messages.findRewrittenTail(shard, planned_seq, planned_ns)
  const keptSeq = rewritten === null ? lastSeq : Math.min(lastSeq, rewritten - 1)
  if (keptSeq >= planned_seq) return record
  deps.log.error(
    { shard, planned_seq, kept_seq: keptSeq },
    'the stream lost its last messages, dropping the batches planned with them',
  )
  return forgetBeyond(record, keptSeq)
}

/** The stream's last sequence, read twice when it is below the known minimum. */
async function readLastSeq({ messages }: TakeShardDeps, atLeast: number): Promise<number> {
  const lastSeq = await messages.lastSeq()
  if (lastSeq >= atLeast) return lastSeq
  await sleep(LOOK_AGAIN_MS)
  return messages.lastSeq()
}
