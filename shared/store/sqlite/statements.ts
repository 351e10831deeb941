import type { DatabaseSync } from 'node:sqlite'

/** Every statement the store runs, prepared once. Lists go in as one JSON array, so their length does not matter. */
export const prepareStatements = (db: DatabaseSync) => ({
  get: db.prepare('SELECT generation, record FROM jobs WHERE job_id = ?'),

  // CROSS JOIN holds the order: walk the list, look each id up.
  getMany: db.prepare(`
    SELECT jobs.generation, jobs.record
    FROM json_each(?) AS wanted CROSS JOIN jobs ON jobs.job_id = wanted.value`),

  putNewer: db.prepare(`
    INSERT INTO jobs (job_id, generation, seq, phase, updated_at, ended_at, record) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (job_id) DO UPDATE SET
      generation = excluded.generation, seq = excluded.seq, phase = excluded.phase,
      updated_at = excluded.updated_at, ended_at = excluded.ended_at, record = excluded.record
    WHERE (excluded.generation, excluded.seq) > (jobs.generation, jobs.seq)`),

  // INDEXED BY: without that index this would read every job ever kept, so better an error than a scan.
  listUnended: db.prepare(`
    SELECT generation, record FROM jobs INDEXED BY jobs_unended
    WHERE ended_at = '' AND job_id > ? AND updated_at < ? AND phase IN (SELECT value FROM json_each(?))
    ORDER BY job_id LIMIT ?`),

  deleteEnded: db.prepare(`
    DELETE FROM jobs WHERE job_id IN (
      SELECT job_id FROM jobs WHERE job_id < ? AND ended_at <> '' AND ended_at < ? ORDER BY job_id LIMIT ?)`),

  readCheckpoint: db.prepare('SELECT record FROM projection'),
  insertCheckpoint: db.prepare('INSERT INTO projection (id, revision, record) VALUES (1, ?, ?) ON CONFLICT DO NOTHING'),
  updateCheckpoint: db.prepare('UPDATE projection SET revision = ?, record = ? WHERE revision = ?'),
})

export type Statements = ReturnType<typeof prepareStatements>
