import type { DatabaseSync } from 'node:sqlite'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import { inSnapshot, inTransaction, openDatabase, writeTest } from '../../sqlite/open-database.ts'
import { whileBusy } from '../../sqlite/while-busy.ts'
import { fromRow, type JobRow } from '../job-row.ts'
import type { Checkpoint, JobStore, StoredJob } from '../job-store.ts'
import { countErrors, deleteErrors, listErrors, prepareErrors } from './errors.ts'
import { countFound, countJobs, listJobs, searchJobs } from './list-jobs.ts'
import { deleteEnded, putNewer } from './put-newer.ts'
import { JOBS_SCHEMA } from './schema.ts'
import {
  countOccurrences,
  deleteOldSpans,
  firstSpan,
  prepareSeries,
  putLevels,
  readLevels,
  readSeries,
} from './series.ts'
import { prepareStatements, type Statements } from './statements.ts'

/** One file that several processes may open. Calls run on the caller's thread: batches of up to 500 take some ms. */
export async function openSqliteStore(path: string): Promise<JobStore> {
  const db = await openDatabase(path, JOBS_SCHEMA)
  const testWrite = writeTest(db)
  const run = prepareStatements(db)
  return {
    ...jobCalls(db, run),
    ...countCalls(db, run),
    ...checkpointCalls(run),

    ping: async () => {
      await whileBusy(() => run.readCheckpoint.get())
      testWrite()
    },

    close: async () => {
      if (db.isOpen) db.close()
    },
  }
}

const jobCalls = (db: DatabaseSync, run: Statements) =>
  ({
    get: (jobId) =>
      whileBusy(() => {
        const row = run.get.get(jobId)
        return row === undefined ? null : fromRow(asRow(row))
      }),

    getMany: (jobIds) => whileBusy(() => new Map(run.getMany.all(JSON.stringify(jobIds)).map(toEntry))),

    list: (query) => whileBusy(() => inSnapshot(db, () => listJobs(run, query))),

    search: (query, match) => whileBusy(() => inSnapshot(db, () => searchJobs(run, query, match))),

    count: (query) => whileBusy(() => inSnapshot(db, () => countFound(run, query))),

    counts: (tenant) => whileBusy(() => countJobs(run, tenant)),

    listActive: ({ phases, updatedBefore, afterId, limit }) =>
      whileBusy(() =>
        run.listActive.all(afterId, updatedBefore, JSON.stringify(phases), limit).map((row) => fromRow(asRow(row))),
      ),

    deleteEndedBefore: (endedBefore, limit) =>
      whileBusy(() => {
        // A job that ended before then was created before then, and ids begin with the time of creation.
        const firstIdAfter = makeJobId(Date.parse(endedBefore), '')
        return inTransaction(db, () => deleteEnded(run, firstIdAfter, endedBefore, limit))
      }),
  }) satisfies Partial<JobStore>

function countCalls(db: DatabaseSync, run: Statements) {
  const series = prepareSeries(db)
  const errors = prepareErrors(db)
  return {
    putNewer: async (jobs, occurrences) => {
      if (jobs.length === 0 && occurrences === undefined) return
      await whileBusy(() =>
        inTransaction(db, () => {
          putNewer(run, jobs)
          if (occurrences === undefined) return
          countOccurrences(series, occurrences)
          countErrors(errors, occurrences)
        }),
      )
    },

    series: (query) => whileBusy(() => readSeries(series, query)),

    putLevels: (levels) => whileBusy(() => inTransaction(db, () => putLevels(series, levels))),

    levels: (query) => whileBusy(() => readLevels(series, query)),

    firstSpan: (stepS) => whileBusy(() => firstSpan(series, stepS)),

    deleteOldSpans: (nowMs) => whileBusy(() => deleteOldSpans(series, nowMs)),

    errors: (query) => whileBusy(() => listErrors(errors, query)),

    deleteErrorsBefore: (lastBefore) => whileBusy(() => inTransaction(db, () => deleteErrors(errors, lastBefore))),
  } satisfies Partial<JobStore>
}

const checkpointCalls = (run: Statements) =>
  ({
    readCheckpoint: () =>
      whileBusy(() => {
        const row = run.readCheckpoint.get()
        return row === undefined ? null : (JSON.parse(asRow(row).record) as Checkpoint)
      }),

    saveCheckpoint: (next, expectedRevision) =>
      whileBusy(() => {
        const record = JSON.stringify(next)
        const { changes } =
          expectedRevision === 0
            ? run.insertCheckpoint.run(next.revision, record)
            : run.updateCheckpoint.run(next.revision, record, expectedRevision)
        return changes === 1
      }),
  }) satisfies Partial<JobStore>

/** Rows are typed by the schema: the columns are Hasty's own and STRICT. */
const asRow = (row: Record<string, unknown>): JobRow => row as unknown as JobRow

function toEntry(row: Record<string, unknown>): [string, StoredJob] {
  const stored = fromRow(asRow(row))
  return [stored.job.job_id, stored]
}
