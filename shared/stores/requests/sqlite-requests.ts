import type { DatabaseSync } from 'node:sqlite'
import { REQUEST_STATUSES, type RequestStatus } from '#shared/contracts/http/requests.ts'
import { inSnapshot, inTransaction, openDatabase, writeTest } from '../sqlite/open-database.ts'
import { whileBusy } from '../sqlite/while-busy.ts'
import { checkTenant } from '../tenant-filter.ts'
import { fromColumns, type RequestColumns, toColumns, toSummaryRow } from './request-columns.ts'
import type { RequestQuery, RequestStore, RequestVersion } from './request-store.ts'
import { REQUESTS_SCHEMA } from './sqlite-schema.ts'

/** One file that all workflow processes of a machine share. Calls run on the caller's thread. */
export async function openSqliteRequests(path: string): Promise<RequestStore> {
  const db = await openDatabase(path, REQUESTS_SCHEMA)
  const testWrite = writeTest(db)
  const run = prepareStatements(db)
  return {
    putNewer: async (rows) => {
      if (rows.length === 0) return
      const all = rows.map(toColumns)
      await whileBusy(() => inTransaction(db, () => all.forEach((columns) => put(run, columns))))
    },

    get: (requestId) =>
      whileBusy(() => {
        const row = run.get.get(requestId)
        return row === undefined ? null : fromColumns(asColumns(row))
      }),

    versionsOf: (requestIds) =>
      whileBusy(() => run.getVersions.all(JSON.stringify(requestIds)) as unknown as RequestVersion[]),

    // In a snapshot: a request that changes between two reads would be on the page twice, or not at all.
    list: (query) => whileBusy(() => inSnapshot(db, () => list(run, query)).map((row) => toSummaryRow(asColumns(row)))),

    countOpen: () =>
      whileBusy(() => {
        const count = (status: RequestStatus) => Number(run.countOfStatus.get(status)?.['count'])
        return { queuing: count('queuing'), inprogress: count('inprogress') }
      }),

    deleteEndedBefore: (endedBefore, limit) =>
      whileBusy(() => inTransaction(db, () => Number(run.deleteEnded.run(endedBefore, limit).changes))),

    ping: async () => {
      await whileBusy(() => run.get.get(''))
      testWrite()
    },

    close: async () => {
      if (db.isOpen) db.close()
    },
  }
}

function put(run: Statements, columns: RequestColumns): void {
  const { request_id, generation, seq, tenant, status, ended_at, summary, record } = columns
  run.putNewer.run(request_id, generation, seq, tenant, status, ended_at, summary, record)
}

/** Merges one walk for each status: a page needs no more rows of any status than its length. */
function list(run: Statements, { statuses, tenant, belowId, limit }: RequestQuery): Record<string, unknown>[] {
  checkTenant(tenant)
  if (statuses === null && tenant === null) return run.newest.all(belowId, limit)
  const ids = (statuses ?? REQUEST_STATUSES).flatMap((status) =>
    tenant === null
      ? run.newestOfStatus.all(status, belowId, limit).map(idOf)
      : run.newestOfTenant.all(tenant, status, belowId, limit).map(idOf),
  )
  const page = [...new Set(ids)].toSorted(newestFirst).slice(0, limit)
  return run.getSummaries.all(JSON.stringify(page))
}

const idOf = (row: Record<string, unknown>): string => String(row['request_id'])
const newestFirst = (a: string, b: string): number => (a < b ? 1 : -1)

/** Columns that a list reads. */
const SUMMARY = 'request_id, generation, seq, tenant, status, ended_at, summary'

const prepareStatements = (db: DatabaseSync) => ({
  // A request never changes its tenant: setting it would write to an index for nothing.
  putNewer: db.prepare(`
    INSERT INTO requests (request_id, generation, seq, tenant, status, ended_at, summary, record)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (request_id) DO UPDATE SET
      generation = excluded.generation, seq = excluded.seq, status = excluded.status, ended_at = excluded.ended_at,
      summary = excluded.summary, record = excluded.record
    WHERE (excluded.generation, excluded.seq) > (requests.generation, requests.seq)`),

  get: db.prepare(`SELECT ${SUMMARY}, record FROM requests WHERE request_id = ?`),

  getVersions: db.prepare(`
    SELECT request_id, generation, seq FROM json_each(?) AS wanted
    CROSS JOIN requests ON requests.request_id = wanted.value`),

  newest: db.prepare(`SELECT ${SUMMARY} FROM requests WHERE request_id < ? ORDER BY request_id DESC LIMIT ?`),
  newestOfStatus: db.prepare(`
    SELECT request_id FROM requests INDEXED BY requests_by_status
    WHERE status = ? AND request_id < ? ORDER BY request_id DESC LIMIT ?`),
  // The condition that the tenant is not '' tells SQLite that the index, which has no such requests, covers the search.
  newestOfTenant: db.prepare(`
    SELECT request_id FROM requests INDEXED BY requests_by_tenant
    WHERE tenant = ? AND tenant <> '' AND status = ? AND request_id < ? ORDER BY request_id DESC LIMIT ?`),
  // CROSS JOIN fixes the order: walk the list, look each id up.
  getSummaries: db.prepare(`
    SELECT ${SUMMARY} FROM json_each(?) AS wanted CROSS JOIN requests ON requests.request_id = wanted.value`),

  countOfStatus: db.prepare('SELECT count(*) AS count FROM requests INDEXED BY requests_by_status WHERE status = ?'),

  deleteEnded: db.prepare(`
    DELETE FROM requests WHERE request_id IN (
      SELECT request_id FROM requests INDEXED BY requests_by_end
      WHERE ended_at <> '' AND ended_at < ? ORDER BY ended_at LIMIT ?)`),
})

type Statements = ReturnType<typeof prepareStatements>

/** Rows are typed by the schema: the columns are Hasty's own and STRICT. */
const asColumns = (row: Record<string, unknown>): RequestColumns => row as unknown as RequestColumns
