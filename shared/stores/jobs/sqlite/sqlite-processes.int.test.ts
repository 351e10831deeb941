import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { idOf, storedJob } from '../conformance/records.ts'
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
