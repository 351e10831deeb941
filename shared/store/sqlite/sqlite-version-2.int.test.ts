import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { checkpoint, EVERYTHING, HOSTILE_VALUES, idOf, minute, storedJob } from '../conformance/records.ts'
import { toRow } from '../job-row.ts'
import type { StoredJob } from '../port.ts'
import { openSqliteStore } from './sqlite-store.ts'

/** As version 2 set a file up. */
const SCHEMA_OF_VERSION_2 = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY NOT NULL,
    generation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    object_id TEXT NOT NULL,
    phase TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    record TEXT NOT NULL,
    payload TEXT NOT NULL,
    result TEXT NOT NULL
  ) STRICT;
  CREATE INDEX jobs_unended ON jobs (job_id) WHERE ended_at = '';
  CREATE INDEX jobs_by_type ON jobs (type, status, job_id);
  CREATE INDEX jobs_by_object ON jobs (segment, object_id, job_id, status, type);
  CREATE TABLE job_counts (
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (type, status)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE inserted (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    total INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE projection (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = 2;
`

async function scratchFile() {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-store-'))
  return { path: join(dir, 'jobs.sqlite'), [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

async function fileOfVersion2(jobs: StoredJob[]) {
  const file = await scratchFile()
  const db = new DatabaseSync(file.path)
  db.exec(SCHEMA_OF_VERSION_2)
  const insert = db.prepare('INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  db.exec('BEGIN')
  for (const { job_id, generation, seq, tenant: _tenant, ...others } of jobs.map(toRow))
    insert.run(job_id, generation, seq, 0, ...Object.values(others))
  db.exec('INSERT INTO job_counts SELECT type, status, count(*) FROM jobs GROUP BY type, status')
  db.prepare('INSERT INTO inserted VALUES (1, ?)').run(jobs.length)
  db.prepare('INSERT INTO projection VALUES (1, 7, ?)').run(JSON.stringify(checkpoint(7)))
  db.exec('COMMIT')
  db.close()
  return file
}

const HOSTILE_JOBS = HOSTILE_VALUES.map((value, n) =>
  storedJob(
    n,
    { generation: 3, seq: 2 ** 40 + n },
    {
      type: n % 2 === 0 ? 'mail' : 'sleep',
      object_id: `$where.${n} 🦀 \u0000`,
      tenant: n === 4 ? 'acme' : null,
      payload: value,
      result: value,
    },
  ),
)

test('a file of version 2 keeps every job and the checkpoint, and its jobs are found and counted', async () => {
  await using file = await fileOfVersion2(HOSTILE_JOBS)
  const store = await openSqliteStore(file.path)
  for (const each of HOSTILE_JOBS) {
    const found = await store.get(each.job.job_id)
    expect(found).toEqual(each)
    expect(JSON.stringify(found?.job.payload)).toBe(JSON.stringify(each.job.payload))
    expect(await store.list({ ...EVERYTHING, objectId: each.job.object_id })).toHaveLength(1)
  }
  expect(await store.readCheckpoint()).toEqual(checkpoint(7))
  const ids = HOSTILE_JOBS.map(({ job }) => job.job_id)
  expect((await store.list(EVERYTHING)).map((each) => each.job_id)).toEqual(ids.toReversed())
  expect(await store.counts(null)).toEqual([
    { type: 'mail', status: 'processing', count: 5 },
    { type: 'sleep', status: 'processing', count: 5 },
  ])
  await store.close()
})

test("a job of version 2 that had a tenant is that tenant's, and goes on being counted so", async () => {
  await using file = await fileOfVersion2(HOSTILE_JOBS)
  const store = await openSqliteStore(file.path)
  const acme = { ...EVERYTHING, tenant: 'acme' }
  expect((await store.list(acme)).map((each) => each.job_id)).toEqual([idOf(4)])
  expect(await store.counts('acme')).toEqual([{ type: 'mail', status: 'processing', count: 1 }])
  const newer = { generation: 4, seq: 1 }
  await store.putNewer([
    storedJob(4, newer, { type: 'mail', tenant: 'acme', phase: 'finished' }),
    storedJob(50, newer, { tenant: 'acme', object_id: 'order' }),
  ])
  expect(await store.counts('acme')).toEqual([
    { type: 'mail', status: 'finished', count: 1 },
    { type: 'sleep', status: 'processing', count: 1 },
  ])
  expect((await store.list({ ...acme, objectId: 'order' })).map((each) => each.job_id)).toEqual([idOf(50)])
  expect(await store.deleteEndedBefore(minute(9), 10)).toBe(1)
  expect(await store.counts('acme')).toEqual([{ type: 'sleep', status: 'processing', count: 1 }])
  await store.close()
})

test('a file of version 2 that is opened several times is migrated once', async () => {
  const jobs = Array.from({ length: 50 }, (_, n) => storedJob(n, { seq: n + 1 }))
  await using file = await fileOfVersion2(jobs)
  const stores = await Promise.all(Array.from({ length: 4 }, () => openSqliteStore(file.path)))
  for (const store of stores) {
    expect(await store.counts(null)).toEqual([{ type: 'sleep', status: 'processing', count: 50 }])
    expect(await store.list(EVERYTHING)).toHaveLength(50)
    await store.close()
  }
})

test('a file that was migrated has the tables and indexes of a new one', async () => {
  await using migrated = await fileOfVersion2([])
  await using made = await scratchFile()
  for (const { path } of [migrated, made]) await (await openSqliteStore(path)).close()
  expect(setUpOf(migrated.path)).toEqual(setUpOf(made.path))
})

function setUpOf(path: string): unknown[] {
  using db = new DatabaseSync(path)
  return [
    db.prepare('PRAGMA user_version').get(),
    db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name").all(),
    // In no order: a column that is added stands last.
    db
      .prepare(`
        SELECT tables.name AS table_name, columns.name, columns.type, columns."notnull", columns.pk
        FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' ORDER BY table_name, columns.name`)
      .all(),
  ]
}
