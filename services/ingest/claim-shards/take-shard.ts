import type { LogState } from '#shared/bus/event-feed.ts'
import { newShardRecord, type ShardRecord } from '#shared/contracts/ingest.ts'
import { type Clock, isoTime, SECOND, sleep } from '#shared/runtime/clock.ts'
import type { Logger } from '#shared/runtime/logger.ts'
import type { ShardRecords, StoredShard } from '../own-shard/shard-records.ts'
import { forgetBeyond, takeOver } from '../plan/take-over.ts'

export interface TakeShardDeps {
  records: ShardRecords
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

async function withinStream({ readStream, log }: TakeShardDeps, record: ShardRecord): Promise<ShardRecord> {
  if ((await readStream()).lastSeq >= record.planned_seq) return record
  await sleep(LOOK_AGAIN_MS)
  const { lastSeq } = await readStream()
  if (lastSeq >= record.planned_seq) return record
  log.error(
    { shard: record.shard, planned_seq: record.planned_seq, last_seq: lastSeq },
    'the stream lost its last messages: what was planned of them is forgotten',
  )
  return forgetBeyond(record, lastSeq)
}
