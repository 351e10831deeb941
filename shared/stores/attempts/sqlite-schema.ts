import type { DatabaseSchema } from '../sqlite/open-database.ts'

/**
 * The schema of the attempts. Those of one worker lie beside each other in the order in which they ended: a page of
 * them is one walk, and new ones go to the end. `attempts_by_end` serves retention.
 */
export const ATTEMPTS_SCHEMA: DatabaseSchema = {
  version: 1,
  create: `
    CREATE TABLE workers (
      worker_id TEXT PRIMARY KEY NOT NULL,
      started_at TEXT NOT NULL,
      beat_at TEXT NOT NULL,
      stopped INTEGER NOT NULL,
      summary TEXT NOT NULL,
      running TEXT NOT NULL
    ) STRICT;
    CREATE INDEX workers_by_start ON workers (started_at, worker_id);
    CREATE TABLE attempts (
      worker_id TEXT NOT NULL,
      seq INTEGER NOT NULL,
      ended_at TEXT NOT NULL,
      record TEXT NOT NULL,
      PRIMARY KEY (worker_id, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attempts_by_end ON attempts (ended_at);
    PRAGMA user_version = 1;
  `,
  upgrades: {},
}
