import { HTTP_WORKER_ID_PATTERN } from '#shared/contracts/http/work.ts'
import {
  LIVE_WITHIN_MS,
  WORKERS_MAX,
  type WorkerAttempts,
  type WorkerDetail,
  type WorkerList,
  type WorkerView,
} from '#shared/contracts/http/workers.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import type { AttemptStore, WorkerRecord, WorkerSummary } from '#shared/stores/attempts/attempt-store.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import { makeCursor, readCursor } from './attempt-cursor.ts'

export type ReadAttempts = Pick<AttemptStore, 'listWorkers' | 'getWorker' | 'listAttempts'>

export interface ShowWorkersDeps {
  store: ReadAttempts
  clock: Clock
}

/** @throws AppError `unavailable` */
export async function listWorkers(deps: ShowWorkersDeps, live: boolean | null): Promise<WorkerList> {
  const liveSince = isoTime(deps.clock.now() - LIVE_WITHIN_MS)
  const found = await read(deps.store.listWorkers({ live, liveSince, limit: WORKERS_MAX }))
  return { items: found.map((worker) => workerView(worker, liveSince)) }
}

/** @throws AppError `worker-not-found`; `unavailable` */
export async function showWorker(deps: ShowWorkersDeps, workerId: string): Promise<WorkerDetail> {
  const worker = await findWorker(deps, workerId)
  const view = workerView(worker, isoTime(deps.clock.now() - LIVE_WITHIN_MS))
  return { ...view, running_jobs: view.live ? worker.running : [] }
}

/**
 * A page of a worker's attempts, last ended first.
 * @throws AppError `worker-not-found`; `invalid-request` for a cursor of another worker; `unavailable`
 */
export async function listAttempts(
  deps: ShowWorkersDeps,
  workerId: string,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<WorkerAttempts> {
  const belowSeq = cursor === undefined ? Number.MAX_SAFE_INTEGER : readCursor(workerId, cursor)
  await findWorker(deps, workerId)
  // One more than requested shows whether there is another page.
  const found = await read(deps.store.listAttempts({ workerId, belowSeq, limit: limit + 1 }))
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(({ seq: _seq, ...attempt }) => attempt),
    next_cursor: found.length > limit && last !== undefined ? makeCursor(workerId, last.seq) : null,
  }
}

async function findWorker({ store }: ShowWorkersDeps, workerId: string): Promise<WorkerRecord> {
  const worker = HTTP_WORKER_ID_PATTERN.test(workerId) ? await read(store.getWorker(workerId)) : null
  if (worker === null) throw new AppError('worker-not-found', 'No worker has this id; it may have expired.')
  return worker
}

const read = <T>(reading: Promise<T>): Promise<T> =>
  reading.catch((error: unknown) => {
    throw unavailable('The job service cannot read its store. Jobs keep running; try again.', error)
  })

function workerView(worker: WorkerSummary, liveSince: string): WorkerView {
  const live = worker.stopped_at === null && worker.beat_at >= liveSince
  return {
    worker_id: worker.worker_id,
    live,
    host: worker.host,
    pid: worker.pid,
    version: worker.version,
    types: worker.types,
    slots: worker.slots,
    // Jobs of a dead worker run elsewhere by now.
    running: live ? worker.running_count : 0,
    abandoned: live ? (worker.abandoned ?? 0) : 0,
    processed: worker.processed,
    failed: worker.failed,
    cancelled: worker.cancelled,
    retried: worker.retried,
    since: worker.started_at,
    beat_at: worker.beat_at,
    stopped_at: worker.stopped_at,
  }
}
