import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LOCK_WAIT_MS, whileBusy } from './while-busy.ts'

/** Kept in the file as PRAGMA user_version; 0 is a file that nobody has set up. */
const SCHEMA_VERSION = 1

/**
 * WITHOUT ROWID: the job_id is the order on disk, and ids are made in time order, so writes stay near each other.
 * The partial index holds only jobs that have not ended. Retention needs none: it walks the primary key by time.
 */
const SCHEMA = `
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
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/**
 * NORMAL: a power cut may lose the last transactions but never reorders them, so the checkpoint is never ahead of the
 * documents, and the log still has what was lost. kill -9 loses nothing.
 */
const SETTINGS = `
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA cache_size = -65536;
`

/** Several processes may open the same new file at once: one sets it up, the others wait for it. */
export async function openDatabase(path: string): Promise<DatabaseSync> {
  mkdirSync(dirname(path), { recursive: true })
  const db = new DatabaseSync(path, { timeout: LOCK_WAIT_MS })
  try {
    await whileBusy(() => setUp(db, path))
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function setUp(db: DatabaseSync, path: string): void {
  // Before anything is written: a file of a newer version is left as it is.
  checkVersion(db, path)
  const mode = db.prepare('PRAGMA journal_mode = WAL').get()
  if (mode?.journal_mode !== 'wal') throw new Error(`SQLite cannot keep a write-ahead log beside ${path}`)
  db.exec(SETTINGS)
  inTransaction(db, () => {
    if (checkVersion(db, path) === 0) db.exec(SCHEMA)
  })
}

function checkVersion(db: DatabaseSync, path: string): number {
  const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (version > SCHEMA_VERSION) {
    throw new Error(
      `${path} was written by a newer version of Hasty (schema ${version}, this one knows ${SCHEMA_VERSION}): ` +
        'start that version, or give this one another file',
    )
  }
  return version
}

/** The work is synchronous, so nothing of this process can slip in between. Throws SQLITE_BUSY when a lock is not had in time. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
