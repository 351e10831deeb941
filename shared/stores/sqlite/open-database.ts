import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy, LOCK_WAIT_MS, whileBusy } from './while-busy.ts'

/**
 * NORMAL: a power cut may lose the last transactions but never reorders them, so the checkpoint is never ahead of the
 * documents, and the log still has whatever was lost. kill -9 loses nothing.
 */
const SETTINGS = `
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -65536;
`

/** The schema of a file. Its version is kept in the file as PRAGMA user_version; 0 is a new file. */
export interface DatabaseSchema {
  version: number
  /** SQL for a file of version 0. Each schema's SQL sets PRAGMA user_version itself. */
  create: string
  /** SQL for files of older versions. */
  upgrades: Record<number, string>
}

/** Several processes may open the same new file at once: one sets it up, the others wait for it. */
export async function openDatabase(path: string, schema: DatabaseSchema): Promise<DatabaseSync> {
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path, { timeout: LOCK_WAIT_MS })
  try {
    await whileBusy(() => setUp(db, path, schema))
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function setUp(db: DatabaseSync, path: string, schema: DatabaseSchema): void {
  // Before anything is written: a file of a newer version is left untouched.
  checkVersion(db, path, schema)
  const mode = db.prepare('PRAGMA journal_mode = WAL').get()
  if (mode?.journal_mode !== 'wal') throw new Error(`SQLite cannot keep a write-ahead log beside ${path}`)
  db.exec(SETTINGS)
  inTransaction(db, () => {
    const version = checkVersion(db, path, schema)
    if (version === 0) db.exec(schema.create)
    else db.exec(schema.upgrades[version] ?? '')
  })
}

function checkVersion(db: DatabaseSync, path: string, schema: DatabaseSchema): number {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version > schema.version) {
    throw new Error(
      `${path} was written by a newer version of Hasty (schema ${version}, this one knows ${schema.version}): ` +
        'start that version, or give this one another file',
    )
  }
  return version
}

const WRITE_EVERY_MS = 1_000

/**
 * Creates a check that rewrites an existing value, at most once a second: earlier calls get the same result again. A
 * lock held by another process does not mean that nothing can be written.
 * @returns a function that throws where the disk is full or cannot be written
 */
export function writeTest(db: DatabaseSync): () => void {
  let triedAtMs = Number.NEGATIVE_INFINITY
  let problem: Error | undefined
  return () => {
    if (performance.now() - triedAtMs >= WRITE_EVERY_MS) {
      triedAtMs = performance.now()
      problem = undefined
      try {
        db.exec('PRAGMA application_id = 0')
      } catch (error) {
        if (!isBusy(error)) problem = error as Error
      }
    }
    if (problem !== undefined) throw problem
  }
}

/**
 * Runs the work in a transaction. The work is synchronous, so nothing else in this process can come in between. Throws
 * SQLITE_BUSY when the lock cannot be taken in time.
 */
export const inTransaction = <T>(db: DatabaseSync, work: () => T): T => between(db, 'BEGIN IMMEDIATE', work)

/** Runs several reads that see the same jobs, whatever other processes write in between. */
export const inSnapshot = <T>(db: DatabaseSync, work: () => T): T => between(db, 'BEGIN', work)

function between<T>(db: DatabaseSync, begin: string, work: () => T): T {
  db.exec(begin)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
