import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { JOB_PHASES } from '#shared/contracts/job.ts'
import { checkpoint, EVERYTHING, HOSTILE_VALUES, idOf, minute, storedJob } from '../conformance/records.ts'
import { rowOfVersion1 } from '../conformance/version-1.ts'
import type { StoredJob } from '../port.ts'
import { SEGMENT_JOBS } from './schema.ts'
import { openSqliteStore } from './sqlite-store.ts'

/** As version 1 set a file up. */
const SCHEMA_OF_VERSION_1 = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    phase TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    record TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX jobs_unended ON jobs (job_id) WHERE ended_at = '';
  CREATE TABLE projection (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = 1;
`

async function fileOfVersion1(jobs: StoredJob[]) {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-store-'))
  const path = join(dir, 'jobs.sqlite')
  const db = new DatabaseSync(path)
  db.exec(SCHEMA_OF_VERSION_1)
  const insert = db.prepare('INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)')
  db.exec('BEGIN')
  for (const row of jobs.map(rowOfVersion1)) insert.run(...Object.values(row))
  db.prepare('INSERT INTO projection VALUES (1, 7, ?)').run(JSON.stringify(checkpoint(7)))
  db.exec('COMMIT')
  db.close()
  return { path, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

test('a file of version 1 keeps every job and the checkpoint, and its jobs are found and counted', async () => {
  const jobs = [...HOSTILE_VALUES, ...JOB_PHASES].map((value, n) =>
    storedJob(
      n,
      { generation: 3, seq: 2 ** 40 + n },
      {
        phase: JOB_PHASES[n % JOB_PHASES.length] ?? 'failed',
        object_id: `$where.${n} 🦀 \u0000`,
        payload: value,
        result: value,
      },
    ),
  )
  await using file = await fileOfVersion1(jobs)
  const store = await openSqliteStore(file.path)
  for (const each of jobs) {
    const found = await store.get(each.job.job_id)
    expect(found).toEqual(each)
    expect(JSON.stringify(found?.job.payload)).toBe(JSON.stringify(each.job.payload))
  }
  expect(await store.readCheckpoint()).toEqual(checkpoint(7))
  const ids = jobs.map(({ job }) => job.job_id)
  expect((await store.list(EVERYTHING)).map((each) => each.job_id)).toEqual(ids.toReversed())
  for (const { job } of jobs) {
    const [only] = await store.list({ ...EVERYTHING, objectId: job.object_id })
    expect(only?.job_id).toBe(job.job_id)
    expect(Object.keys(only ?? {})).not.toContain('payload')
  }
  const counts = await store.counts(null)
  expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(jobs.length)
  expect(counts).toContainEqual({ type: 'sleep', status: 'processing', count: 8 })
  const unended = await store.listUnended({ phases: ['running'], updatedBefore: minute(9), afterId: '', limit: 10 })
  expect(unended).toEqual(jobs.filter(({ job }) => job.phase === 'running'))
  await store.close()
})

test('what is written after the migration is counted and found beside what was there', async () => {
  await using file = await fileOfVersion1([storedJob(1, { seq: 1 }), storedJob(2, { seq: 2 })])
  const store = await openSqliteStore(file.path)
  await store.putNewer([storedJob(1, { seq: 3 }, { phase: 'finished' }), storedJob(3, { seq: 4 })])
  await store.close()
  const again = await openSqliteStore(file.path)
  expect(await again.counts(null)).toEqual([
    { type: 'sleep', status: 'finished', count: 1 },
    { type: 'sleep', status: 'processing', count: 2 },
  ])
  expect(await again.list({ ...EVERYTHING, objectId: 'object-1', statuses: ['finished'] })).toHaveLength(1)
  await again.close()
})

test("a job of version 1 that had a tenant is that tenant's", async () => {
  await using file = await fileOfVersion1([storedJob(1, { seq: 1 }, { tenant: 'acme' }), storedJob(2, { seq: 2 })])
  const store = await openSqliteStore(file.path)
  expect((await store.list({ ...EVERYTHING, tenant: 'acme' })).map((each) => each.job_id)).toEqual([idOf(1)])
  expect(await store.counts('acme')).toEqual([{ type: 'sleep', status: 'processing', count: 1 }])
  expect(await store.counts(null)).toEqual([{ type: 'sleep', status: 'processing', count: 2 }])
  await store.close()
})

test('an object is found in whatever segment its jobs lie, also when segments between are empty', async () => {
  await using file = await fileOfVersion1([])
  const store = await openSqliteStore(file.path)
  const many = Array.from({ length: 3 * SEGMENT_JOBS }, (_, n) =>
    storedJob(
      n,
      { seq: n + 1 },
      {
        object_id: n % SEGMENT_JOBS === 7 ? 'rare' : `object-${n}`,
        // The second segment alone is old enough to be deleted.
        ...(Math.floor(n / SEGMENT_JOBS) === 1 ? { phase: 'finished', updated_at: minute(1) } : {}),
      },
    ),
  )
  for (let i = 0; i < many.length; i += 1_024) await store.putNewer(many.slice(i, i + 1_024))
  const rare = async (limit = 10) =>
    (await store.list({ ...EVERYTHING, objectId: 'rare', limit })).map((each) => each.job_id)
  const [first, second, third] = [0, 1, 2].map((segment) => idOf(segment * SEGMENT_JOBS + 7))
  expect(await rare()).toEqual([third, second, first])
  expect(await rare(2)).toEqual([third, second])
  expect(await store.deleteEndedBefore(minute(2), many.length)).toBe(SEGMENT_JOBS)
  expect(await rare()).toEqual([third, first])
  await store.close()
  using database = new DatabaseSync(file.path)
  expect(database.prepare('SELECT DISTINCT segment FROM jobs ORDER BY segment').all()).toEqual([
    { segment: 0 },
    { segment: 2 },
  ])
})

test('a file of version 1 that is opened several times is migrated once', async () => {
  const jobs = Array.from({ length: 50 }, (_, n) => storedJob(n, { seq: n + 1 }))
  await using file = await fileOfVersion1(jobs)
  const stores = await Promise.all(Array.from({ length: 4 }, () => openSqliteStore(file.path)))
  for (const store of stores) {
    expect(await store.counts(null)).toEqual([{ type: 'sleep', status: 'processing', count: 50 }])
    expect(await store.list(EVERYTHING)).toHaveLength(50)
    await store.close()
  }
})
