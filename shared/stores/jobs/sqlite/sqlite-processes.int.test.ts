import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { EVERYTHING, idOf, minute, storedJob } from '../conformance/records.ts'
import { toRow } from '../job-row.ts'
import type { JobQuery } from '../job-store.ts'
import { openSqliteStore } from './sqlite-jobs.ts'

const writerProcess = fileURLToPath(new URL('./writer-process.ts', import.meta.url))

async function scratchFile() {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-store-'))
  return { path: join(dir, 'jobs.sqlite'), [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

interface RaceReport {
  wins: number
  highest: number[]
}

test('processes that share one new file lose no version and win each checkpoint revision once', async () => {
  await using file = await scratchFile()
  const racers = Array.from({ length: 4 }, () => fork(writerProcess, [file.path, 'race'], { execArgv: [] }))
  const reports = (await Promise.all(racers.map((racer) => once(racer, 'message')))).map(
    ([report]) => report as RaceReport,
  )
  await Promise.all(racers.map(async (racer) => racer.exitCode ?? (await once(racer, 'exit'))))
  const store = await openSqliteStore(file.path)
  const wins = reports.reduce((sum, report) => sum + report.wins, 0)
  expect((await store.readCheckpoint())?.revision).toBe(wins)
  const ids = Array.from({ length: 20 }, (_, n) => idOf(n))
  const found = await store.getMany(ids)
  const highest = ids.map((_, n) => Math.max(...reports.map((report) => report.highest[n] ?? 0)))
  expect(ids.map((id) => found.get(id)?.job.seq)).toEqual(highest)
  await store.close()
})

test('what was acknowledged is there after a kill -9 of the writer', async () => {
  await using file = await scratchFile()
  const writer = fork(writerProcess, [file.path, 'forever'], { execArgv: [] })
  const acknowledged = new Map<string, number>()
  const exited = once(writer, 'exit')
  writer.on('message', ({ job_id, seq }: { job_id: string; seq: number }) => {
    acknowledged.set(job_id, seq)
    if (seq >= 200) writer.kill('SIGKILL')
  })
  await exited
  const store = await openSqliteStore(file.path)
  expect(acknowledged.size).toBe(20)
  for (const [id, seq] of acknowledged) expect((await store.get(id))?.job.seq).toBeGreaterThanOrEqual(seq)
  await store.close()
})

test('while another process holds the lock reads go on, and a write waits without blocking', async () => {
  await using file = await scratchFile()
  const store = await openSqliteStore(file.path)
  await store.putNewer([storedJob(1, { seq: 1 })])
  const other = new DatabaseSync(file.path)
  other.exec('BEGIN IMMEDIATE')
  const write = store.putNewer([storedJob(1, { seq: 2 })])
  expect((await store.get(idOf(1)))?.job.seq).toBe(1)
  other.exec('COMMIT')
  await write
  expect((await store.get(idOf(1)))?.job.seq).toBe(2)
  other.close()
  await store.close()
})

test('a file of a newer schema is refused by name and left as it is', async () => {
  await using file = await scratchFile()
  const newer = new DatabaseSync(file.path)
  newer.exec('PRAGMA user_version = 99')
  await expect(openSqliteStore(file.path)).rejects.toThrow(
    /jobs\.sqlite was written by a newer version of Hasty \(schema 99/,
  )
  expect(newer.prepare('PRAGMA journal_mode').get()?.journal_mode).toBe('delete')
  newer.close()
})

test('a file that is no database is refused', async () => {
  await using file = await scratchFile()
  await expect(openSqliteStore(join(file.path, '..'))).rejects.toThrow()
})

test('a file of schema 1 is upgraded: its jobs are found as before, and new ones by their tags too', async () => {
  await using file = await scratchFile()
  const old = new DatabaseSync(file.path)
  old.exec(SCHEMA_1)
  const row = toRow(storedJob(1, { seq: 1 }, { phase: 'failed', object_id: 'old' }))
  old
    .prepare('INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      row.job_id,
      row.generation,
      row.seq,
      0,
      row.type,
      row.status,
      row.object_id,
      row.tenant,
      row.phase,
      row.updated_at,
      row.ended_at,
      row.record,
      row.payload,
      row.result,
    )
  old.exec(`INSERT INTO job_counts VALUES ('', 'sleep', 'failed', 1); UPDATE inserted SET total = 1`)
  old.close()
  const store = await openSqliteStore(file.path)
  await store.putNewer([storedJob(2, { seq: 2 }, { tags: ['new'] })])
  const idsOf = async (query: Partial<JobQuery>) =>
    (await store.list({ ...EVERYTHING, ...query })).map(({ job_id }) => job_id)
  expect(await idsOf({})).toEqual([idOf(2), idOf(1)])
  expect(await idsOf({ objectId: 'old' })).toEqual([idOf(1)])
  expect(await idsOf({ statuses: ['failed'], endedFrom: minute(1) })).toEqual([idOf(1)])
  expect(await idsOf({ tag: 'new' })).toEqual([idOf(2)])
  await store.close()
})

test('a file of schema 2 is upgraded: jobs are found by tag and the time of their end as before', async () => {
  await using file = await scratchFile()
  const before = await openSqliteStore(file.path)
  const ended = { phase: 'failed', updated_at: minute(5) } as const
  await before.putNewer([
    storedJob(1, { seq: 1 }, { ...ended, tags: ['a'] }),
    storedJob(2, { seq: 2 }, { tags: ['a'] }),
  ])
  await before.close()
  const old = new DatabaseSync(file.path)
  old.exec(`${BACK_TO_3} ALTER TABLE job_tags DROP COLUMN ended_at; PRAGMA user_version = 2`)
  old.close()
  const store = await openSqliteStore(file.path)
  const idsOf = async (query: Partial<JobQuery>) =>
    (await store.list({ ...EVERYTHING, tag: 'a', ...query })).map(({ job_id }) => job_id)
  expect(await idsOf({})).toEqual([idOf(2), idOf(1)])
  expect(await idsOf({ endedFrom: minute(5) })).toEqual([idOf(1)])
  expect(await idsOf({ endedFrom: minute(6) })).toEqual([])
  // The job that ends later, and one that is retried after its end.
  await store.putNewer([
    storedJob(2, { seq: 3 }, { phase: 'finished', updated_at: minute(7), tags: ['a'] }),
    storedJob(1, { seq: 4 }, { round: 2, tags: ['a'] }),
  ])
  expect(await idsOf({ endedFrom: minute(5) })).toEqual([idOf(2)])
  await store.close()
})

test('a file of schema 3 is upgraded: it keeps its jobs, and new ones are found by their errors too', async () => {
  await using file = await scratchFile()
  const before = await openSqliteStore(file.path)
  const failed = { phase: 'failed', error: { name: 'TypeError', message: 'no customer' } } as const
  await before.putNewer([storedJob(1, { seq: 1 }, { ...failed, tags: ['a'] }), storedJob(2, { seq: 2 })])
  await before.close()
  const old = new DatabaseSync(file.path)
  old.exec(BACK_TO_3)
  old.close()
  const store = await openSqliteStore(file.path)
  const added = storedJob(3, { seq: 3 }, failed)
  await store.putNewer([added])
  const idsOf = async (query: Partial<JobQuery>) =>
    (await store.list({ ...EVERYTHING, ...query })).map(({ job_id }) => job_id)
  expect(await idsOf({})).toEqual([idOf(3), idOf(2), idOf(1)])
  expect(await idsOf({ tag: 'a' })).toEqual([idOf(1)])
  expect(await idsOf({ error: toRow(added).error })).toEqual([idOf(3)])
  expect((await store.counts(null)).map(({ status, count }) => [status, count])).toEqual([
    ['failed', 2],
    ['processing', 1],
  ])
  await store.close()
})

/** Takes away what came after schema 3. */
const BACK_TO_3 = `
  DROP TABLE job_series;
  DROP TABLE job_levels;
  DROP TABLE job_errors;
  DROP TABLE job_error_counts;
  DROP INDEX jobs_by_error;
  ALTER TABLE jobs DROP COLUMN error;
  PRAGMA user_version = 3;
`

/** As the first version wrote it. */
const SCHEMA_1 = `
  CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY NOT NULL, generation INTEGER NOT NULL, seq INTEGER NOT NULL, segment INTEGER NOT NULL,
    type TEXT NOT NULL, status TEXT NOT NULL, object_id TEXT NOT NULL, tenant TEXT NOT NULL DEFAULT '',
    phase TEXT NOT NULL, updated_at TEXT NOT NULL, ended_at TEXT NOT NULL, record TEXT NOT NULL,
    payload TEXT NOT NULL, result TEXT NOT NULL
  ) STRICT;
  CREATE INDEX jobs_active ON jobs (job_id) WHERE ended_at = '';
  CREATE INDEX jobs_by_type ON jobs (type, status, job_id);
  CREATE INDEX jobs_by_tenant ON jobs (tenant, type, status, job_id) WHERE tenant <> '';
  CREATE INDEX jobs_by_object ON jobs (segment, object_id, job_id, status, type, tenant);
  CREATE TABLE job_counts (
    tenant TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, status)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE inserted (id INTEGER PRIMARY KEY CHECK (id = 1), total INTEGER NOT NULL) STRICT;
  CREATE TABLE projection (
    id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, record TEXT NOT NULL
  ) STRICT;
  INSERT INTO inserted VALUES (1, 0);
  PRAGMA user_version = 1;
`
