import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openFreshFile } from '../sqlite/open-fresh.ts'
import { testRequestStore } from './conformance.ts'
import { openSqliteRequests } from './sqlite-requests.ts'

const openFile = () => openFreshFile('workflow.sqlite', openSqliteRequests)

testRequestStore('sqlite', openFile, { atomicUpdates: true })

test('a page of every kind, and what retention deletes, are found by an index', async () => {
  await using opened = await openFile()
  using database = new DatabaseSync(opened.path)
  const planOf = (statement: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${statement}`)
      .all()
      .map((row) => String(row['detail']))
      .join('; ')
  const plans = {
    all: planOf("SELECT summary FROM requests WHERE request_id < 'z' ORDER BY request_id DESC LIMIT 9"),
    ofStatus: planOf(
      "SELECT request_id FROM requests WHERE status = 'failed' AND request_id < 'z' ORDER BY request_id DESC LIMIT 9",
    ),
    ofTenant: planOf(
      "SELECT request_id FROM requests WHERE tenant = 'a' AND tenant <> '' AND status = 'failed' AND request_id < 'z' ORDER BY request_id DESC LIMIT 9",
    ),
    ended: planOf("SELECT request_id FROM requests WHERE ended_at <> '' AND ended_at < 'z' ORDER BY ended_at LIMIT 9"),
  }
  expect(plans.all).toMatch(/^SEARCH requests USING INDEX sqlite_autoindex_requests_1 /)
  expect(plans.ofStatus).toMatch(/^SEARCH requests USING COVERING INDEX requests_by_status /)
  expect(plans.ofTenant).toMatch(/^SEARCH requests USING COVERING INDEX requests_by_tenant /)
  expect(plans.ended).toMatch(/^SEARCH requests USING INDEX requests_by_end /)
  for (const plan of Object.values(plans)) expect(plan).not.toContain('TEMP B-TREE')
})

test('while another process holds the lock reads go on, and a write waits without blocking', async () => {
  await using opened = await openFile()
  const { store } = opened
  const row = { request_id: 'r', generation: 1, seq: 1, tenant: null, status: 'queuing', ended_at: '' } as const
  await store.putNewer([{ ...row, summary: null, record: 1 }])
  using other = new DatabaseSync(opened.path)
  other.exec('BEGIN IMMEDIATE')
  const write = store.putNewer([{ ...row, seq: 2, summary: null, record: 2 }])
  expect((await store.get('r'))?.record).toBe(1)
  other.exec('COMMIT')
  await write
  expect((await store.get('r'))?.record).toBe(2)
})
