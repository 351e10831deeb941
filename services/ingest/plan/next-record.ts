import type { OpenBatch, ShardRecord } from '#shared/contracts/log/ingest.ts'
import { type AttemptEnd, commitBatches } from './commit-batches.ts'
import { type Loads, planBatches, type Waiting } from './plan-batches.ts'
import { growPool, shrinkPool } from './size-pool.ts'

export interface Situation {
  ends: readonly AttemptEnd[]
  /** null: nothing more is planned. */
  waiting: Waiting | null
  /** Loads after the `ends` are applied. */
  loads: Loads
  lastWorkerIsIdle: boolean
  /** RFC 3339. */
  at: string
}

export interface PoolSettings {
  batchSize: number
  workersMin: number
  workersMax: number
}

/** One record with everything that has come together; the same record when nothing has. */
export function nextRecord(record: ShardRecord, situation: Situation, settings: PoolSettings): ShardRecord {
  const { ends, waiting, loads, lastWorkerIsIdle: lastIsIdle, at } = situation
  const { batchSize, workersMin, workersMax } = settings
  const committed = shrinkPool(commitBatches(record, ends), { lastIsIdle, workersMin })
  if (waiting === null) return committed
  const planned = planBatches(committed, waiting, loads, batchSize)
  const rest = afterPlanned(waiting, committed, planned)
  const loaded = withPlanned(loads, plannedSince(committed, planned))
  const grown = growPool(planned, { waits: rest.seqs.length >= batchSize, loads: loaded, workersMax, at })
  return grown === planned ? planned : planBatches(grown, rest, loaded, batchSize)
}

/** The batches planned between one record and a later one. */
export const plannedSince = (before: ShardRecord, after: ShardRecord): OpenBatch[] =>
  after.open.filter(({ batch }) => batch >= before.next_batch)

function afterPlanned(waiting: Waiting, before: ShardRecord, after: ShardRecord): Waiting {
  const taken = plannedSince(before, after).reduce((sum, { count }) => sum + count, 0)
  return { seqs: waiting.seqs.slice(taken), due: Math.max(waiting.due - taken, 0) }
}

function withPlanned(loads: Loads, planned: OpenBatch[]): Loads {
  const sum = new Map(loads)
  for (const { worker } of planned) sum.set(worker, (sum.get(worker) ?? 0) + 1)
  return sum
}
