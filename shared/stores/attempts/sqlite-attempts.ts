import type { DatabaseSync } from 'node:sqlite'
import { inTransaction, openDatabase } from '../sqlite/open-database.ts'
import { whileBusy } from '../sqlite/while-busy.ts'
import {
  type AttemptRow,
  fromAttemptRow,
  fromWorkerRow,
  toAttemptRow,
  toSummary,
  toWorkerRow,
  type WorkerRow,
} from './attempt-row.ts'
import type { AttemptStore } from './attempt-store.ts'
import { ATTEMPTS_SCHEMA } from './sqlite-schema.ts'

/** One file that all job processes of a machine share. Calls run on the caller's thread. */
export async function openSqliteAttempts(path: string): Promise<AttemptStore> {
  const db = await openDatabase(path, ATTEMPTS_SCHEMA)
  db.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
  const run = prepareStatements(db)
  return {
    save: (worker, attempts) =>
      whileBusy(() =>
        inTransaction(db, () => {
          for (const { worker_id, seq, ended_at, record } of attempts.map(toAttemptRow))
            run.putAttempt.run(worker_id, seq, ended_at, record)
          const row = toWorkerRow(worker)
          run.putWorker.run(row.worker_id, row.started_at, row.beat_at, row.stopped, row.summary, row.running)
        }),
      ),

    listWorkers: ({ live, liveSince, limit }) =>
      whileBusy(() => {
        const wanted = live === null ? null : Number(live)
        return run.listWorkers.all(wanted, liveSince, wanted, limit).map((row) => toSummary(asWorker(row)))
      }),

    getWorker: (workerId) =>
      whileBusy(() => {
        const row = run.getWorker.get(workerId)
        return row === undefined ? null : fromWorkerRow(asWorker(row))
      }),

    listAttempts: ({ workerId, belowSeq, limit }) =>
      whileBusy(() => run.listAttempts.all(workerId, belowSeq, limit).map((row) => fromAttemptRow(asAttempt(row)))),

    deleteBefore: (time, limit) =>
      whileBusy(() =>
        inTransaction(db, () => {
          const attempts = run.deleteAttempts.run(time, limit)
          const workers = run.deleteWorkers.run(time, limit)
          return Number(attempts.changes) + Number(workers.changes)
        }),
      ),

    close: async () => {
      if (db.isOpen) db.close()
    },
  }
}

/** A small cache: the file is written at its end and rarely read. */
const CACHE_KIB = 4_096

const prepareStatements = (db: DatabaseSync) => ({
  putAttempt: db.prepare(
    'INSERT INTO attempts (worker_id, seq, ended_at, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  ),
  putWorker: db.prepare(`
    INSERT INTO workers (worker_id, started_at, beat_at, stopped, summary, running) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (worker_id) DO UPDATE SET
      beat_at = excluded.beat_at, stopped = excluded.stopped, summary = excluded.summary, running = excluded.running`),
  listWorkers: db.prepare(`
    SELECT summary FROM workers
    WHERE ? IS NULL OR (stopped = 0 AND beat_at >= ?) = ?
    ORDER BY started_at DESC, worker_id DESC LIMIT ?`),
  getWorker: db.prepare('SELECT summary, running FROM workers WHERE worker_id = ?'),
  listAttempts: db.prepare(
    'SELECT worker_id, seq, record FROM attempts WHERE worker_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
  ),
  deleteAttempts: db.prepare(`
    DELETE FROM attempts WHERE (worker_id, seq) IN (
      SELECT worker_id, seq FROM attempts WHERE ended_at < ? ORDER BY ended_at LIMIT ?)`),
  deleteWorkers: db.prepare(`
    DELETE FROM workers WHERE worker_id IN (SELECT worker_id FROM workers WHERE beat_at < ? LIMIT ?)`),
})

/** The columns are ours and STRICT, so their types are known. */
const asWorker = (row: Record<string, unknown>): WorkerRow => row as unknown as WorkerRow
const asAttempt = (row: Record<string, unknown>): AttemptRow => row as unknown as AttemptRow
