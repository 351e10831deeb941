import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type DatabaseSchema, openDatabase } from './open-database.ts'

/** Made up: the real schemas have only had one version. */
const VERSION_1: DatabaseSchema = {
  version: 1,
  create: `CREATE TABLE fruit (name TEXT NOT NULL) STRICT; PRAGMA user_version = 1;`,
  upgrades: {},
}
const VERSION_2: DatabaseSchema = {
  version: 2,
  create: `CREATE TABLE fruit (name TEXT NOT NULL, colour TEXT NOT NULL) STRICT; PRAGMA user_version = 2;`,
  upgrades: { 1: `ALTER TABLE fruit ADD COLUMN colour TEXT NOT NULL DEFAULT 'unknown'; PRAGMA user_version = 2;` },
}

async function scratchFile() {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-database-'))
  return { path: join(dir, 'fruit.sqlite'), [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) }
}

async function fileOfVersion1(path: string): Promise<void> {
  using db = await openDatabase(path, VERSION_1)
  db.exec(`INSERT INTO fruit VALUES ('apple')`)
}

test('a file of an older version is upgraded when it is opened, and keeps what it has', async () => {
  await using file = await scratchFile()
  await fileOfVersion1(file.path)
  using db = await openDatabase(file.path, VERSION_2)
  db.exec(`INSERT INTO fruit VALUES ('cherry', 'red')`)
  expect(db.prepare('SELECT * FROM fruit ORDER BY name').all()).toEqual([
    { name: 'apple', colour: 'unknown' },
    { name: 'cherry', colour: 'red' },
  ])
})

test('a file that is opened several times at once is upgraded once', async () => {
  await using file = await scratchFile()
  await fileOfVersion1(file.path)
  const opened = await Promise.all(Array.from({ length: 4 }, () => openDatabase(file.path, VERSION_2)))
  for (const db of opened) {
    expect(db.prepare('SELECT * FROM fruit').all()).toEqual([{ name: 'apple', colour: 'unknown' }])
    db.close()
  }
})

test('a file of a newer version is refused, and left as it is', async () => {
  await using file = await scratchFile()
  using newer = await openDatabase(file.path, VERSION_2)
  newer.exec(`INSERT INTO fruit VALUES ('plum', 'blue')`)
  await expect(openDatabase(file.path, VERSION_1)).rejects.toThrow('was written by a newer version of Hasty')
  expect(newer.prepare('SELECT * FROM fruit').all()).toEqual([{ name: 'plum', colour: 'blue' }])
})
