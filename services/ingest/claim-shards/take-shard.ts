import type { LogState } from '#shared/bus/event-feed.ts'
import { newShardRecord, type ShardRecord } from '#shared/contracts/log/ingest.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, isoTime, SECOND, sleep } from '#shared/time/clock.ts'
import type { FindRegrown } from '../own-shard/find-regrown.ts'
import type { ShardRecords, StoredShard } from '../own-shard/shard-records.ts'
import { forgetBeyond, takeOver } from '../plan/take-over.ts'

export interface TakeShardDeps {
  records: ShardRecords
  findRegrown: FindRegrown
  readStream: () => Promise<Pick<LogState, 'lastSeq'>>
  /** false soon after the broker was away: the signs of life of those who live are yet to come. */
  knowsWhoLives(): boolean
  replicaId: string
  workersMin: number
  workersMax: number
  clock: Clock
  log: Logger
}

const WRITE_DEADLINE_MS = 5 * SECOND
/** A node of a cluster that has just become the leader may know of less for a moment. */
const LOOK_AGAIN_MS = 5 * SECOND

/**
 * Takes a shard that nobody has, or that belongs to a replica that is gone.
 * @returns null when it is somebody's
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
  const isAnothers = owner !== null && owner !== replicaId
  if (isAnothers && (live.includes(owner) || !deps.knowsWhoLives())) return null
  const taken = takeOver(await withinStream(deps, record), {
    replicaId,
    at: isoTime(clock.now()),
    workersMin,
    workersMax,
    countsAsFailure: isAnothers,
  })
  const stored = await records.write(taken, seq, WRITE_DEADLINE_MS)
  if (stored !== null) log.info({ shard, from: owner, term: taken.term, open: taken.open.length }, 'shard taken')
  return stored
}

async function withinStream(deps: TakeShardDeps, record: ShardRecord): Promise<ShardRecord> {
  const { shard, planned_seq, planned_ns } = record
  const lastSeq = await readLastSeq(deps, planned_seq)
  const regrown = await deps.findRegrown(shard, planned_seq, planned_ns)
  const keptSeq = regrown === null ? lastSeq : Math.min(lastSeq, regrown - 1)
  if (keptSeq >= planned_seq) return record
  deps.log.error(
    { shard, planned_seq, kept_seq: keptSeq },
    'the stream lost its last messages: what was planned of them is forgotten',
  )
  return forgetBeyond(record, keptSeq)
}

/** Looked at twice where it is below what must be there. */
async function readLastSeq({ readStream }: TakeShardDeps, atLeast: number): Promise<number> {
  const { lastSeq } = await readStream()
  if (lastSeq >= atLeast) return lastSeq
  await sleep(LOOK_AGAIN_MS)
  return (await readStream()).lastSeq
}
