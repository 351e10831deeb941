import type { DatabaseSync } from 'node:sqlite'

/** Columns that `fromRow` needs. */
const WHOLE = 'generation, record, payload, result'

/** All statements of the store, prepared once. Lists are passed as one JSON array, so their length does not matter. */
export const prepareStatements = (db: DatabaseSync) => ({ ...single(db), ...searches(db), ...upkeep(db) })

/** Jobs by their ids: read and written. */
const single = (db: DatabaseSync) => ({
  get: db.prepare(`SELECT ${WHOLE} FROM jobs WHERE job_id = ?`),

  // CROSS JOIN fixes the order: walk the list, look each id up.
  getMany: db.prepare(`
    SELECT ${WHOLE}
    FROM json_each(?) AS wanted CROSS JOIN jobs ON jobs.job_id = wanted.value`),

  getStatuses: db.prepare(`
    SELECT jobs.job_id, jobs.status, jobs.error
    FROM json_each(?) AS wanted CROSS JOIN jobs ON jobs.job_id = wanted.value`),

  // A job never changes its type, object and tenant: setting them would write to indexes for nothing.
  putNewer: db.prepare(`
    INSERT INTO jobs (
      job_id, generation, seq, segment, type, status, object_id, tenant, phase, updated_at, ended_at,
      error, record, payload, result)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (job_id) DO UPDATE SET
      generation = excluded.generation, seq = excluded.seq, status = excluded.status, phase = excluded.phase,
      updated_at = excluded.updated_at, ended_at = excluded.ended_at, error = excluded.error,
      record = excluded.record, payload = excluded.payload, result = excluded.result
    WHERE (excluded.generation, excluded.seq) > (jobs.generation, jobs.seq)`),

  // A job never changes its tags either, only whether it has ended. "WHERE true" tells SQLite that the ON is no join's.
  putTags: db.prepare(`
    INSERT INTO job_tags (job_id, ended_at, tag) SELECT ?, ?, value FROM json_each(?) WHERE true
    ON CONFLICT DO UPDATE SET ended_at = excluded.ended_at WHERE excluded.ended_at <> job_tags.ended_at`),
  deleteTags: db.prepare('DELETE FROM job_tags WHERE job_id = ? AND tag IN (SELECT value FROM json_each(?))'),

  readInserted: db.prepare('SELECT total FROM inserted'),
  addInserted: db.prepare('UPDATE inserted SET total = total + ?'),
  addCount: db.prepare(`
    INSERT INTO job_counts (tenant, type, status, count) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count`),
  addErrorCount: db.prepare(`
    INSERT INTO job_error_counts (tenant, fingerprint, count) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count`),
  counts: db.prepare('SELECT type, status, count FROM job_counts WHERE tenant = ? AND count > 0'),

  // INDEXED BY: without that index this would read every job ever kept, so an error is better than a scan.
  listActive: db.prepare(`
    SELECT ${WHOLE} FROM jobs INDEXED BY jobs_active
    WHERE ended_at = '' AND job_id > ? AND updated_at < ? AND phase IN (SELECT value FROM json_each(?))
    ORDER BY job_id LIMIT ?`),
})

const searches = (db: DatabaseSync) => ({
  newest: db.prepare('SELECT record FROM jobs WHERE job_id >= ? AND job_id < ? ORDER BY job_id DESC LIMIT ?'),
  newestIds: db.prepare('SELECT job_id FROM jobs WHERE job_id >= ? AND job_id < ? ORDER BY job_id DESC LIMIT ?'),
  getLikely: db.prepare(`
    SELECT record, payload FROM json_each(?) AS wanted CROSS JOIN jobs ON jobs.job_id = wanted.value
    WHERE (? IS NULL OR instr(record, ?) > 0) AND (? IS NULL OR instr(payload, ?) > 0)`),
  getRecords: db.prepare(`
    SELECT record FROM json_each(?) AS wanted CROSS JOIN jobs ON jobs.job_id = wanted.value`),
  newestOfType: db.prepare(`
    SELECT job_id FROM jobs INDEXED BY jobs_by_type
    WHERE type = ? AND status = ? AND job_id >= ? AND job_id < ? AND ended_at >= ? AND ended_at < ?
    ORDER BY job_id DESC LIMIT ?`),
  // The condition that the tenant is not '' tells SQLite that the index, which has no such jobs, covers the search.
  newestOfTenant: db.prepare(`
    SELECT job_id FROM jobs INDEXED BY jobs_by_tenant
    WHERE tenant = ? AND tenant <> '' AND type = ? AND status = ? AND job_id >= ? AND job_id < ?
      AND ended_at >= ? AND ended_at < ?
    ORDER BY job_id DESC LIMIT ?`),
  countOfType: db.prepare(`
    SELECT count(*) AS count FROM (
      SELECT 1 FROM jobs INDEXED BY jobs_by_type
      WHERE type = ? AND status = ? AND job_id >= ? AND job_id < ? AND ended_at >= ? AND ended_at < ? LIMIT ?)`),
  countOfTenant: db.prepare(`
    SELECT count(*) AS count FROM (
      SELECT 1 FROM jobs INDEXED BY jobs_by_tenant
      WHERE tenant = ? AND tenant <> '' AND type = ? AND status = ? AND job_id >= ? AND job_id < ?
        AND ended_at >= ? AND ended_at < ? LIMIT ?)`),
  newestOfObject: db.prepare(`
    WITH RECURSIVE segments (segment) AS (
      SELECT max(segment) FROM jobs INDEXED BY jobs_by_object
      UNION ALL
      SELECT segment - 1 FROM segments
      WHERE segment > (SELECT min(segment) FROM jobs INDEXED BY jobs_by_object))
    SELECT jobs.job_id FROM segments CROSS JOIN jobs INDEXED BY jobs_by_object ON jobs.segment = segments.segment
    WHERE object_id = ? AND job_id >= ? AND job_id < ? AND ended_at >= ? AND ended_at < ?
      AND type = coalesce(?, type) AND tenant = coalesce(?, tenant) AND status IN (SELECT value FROM json_each(?))
      AND (? IS NULL OR EXISTS (
        SELECT 1 FROM job_tags WHERE tag = ? AND job_tags.job_id = jobs.job_id))
      AND (? IS NULL OR error = ?)
    ORDER BY job_id DESC LIMIT ?`),
  newestOfTag: db.prepare(`
    SELECT jobs.job_id
    FROM job_tags CROSS JOIN jobs ON jobs.job_id = job_tags.job_id
    WHERE tag = ? AND job_tags.job_id >= ? AND job_tags.job_id < ?
      AND job_tags.ended_at >= ? AND job_tags.ended_at < ?
      AND type = coalesce(?, type) AND tenant = coalesce(?, tenant) AND status IN (SELECT value FROM json_each(?))
      AND (? IS NULL OR error = ?)
    ORDER BY job_tags.job_id DESC LIMIT ?`),
  // The condition that there is an error tells SQLite that the index, which has no other jobs, covers the search.
  newestOfError: db.prepare(`
    SELECT job_id FROM jobs INDEXED BY jobs_by_error
    WHERE error = ? AND error <> '' AND job_id >= ? AND job_id < ? AND ended_at >= ? AND ended_at < ?
      AND type = coalesce(?, type) AND tenant = coalesce(?, tenant) AND status IN (SELECT value FROM json_each(?))
    ORDER BY job_id DESC LIMIT ?`),
})

/** Retention, and the checkpoint. */
const upkeep = (db: DatabaseSync) => ({
  deleteEnded: db.prepare(`
    DELETE FROM jobs WHERE job_id IN (
      SELECT job_id FROM jobs WHERE job_id < ? AND ended_at <> '' AND ended_at < ? ORDER BY job_id LIMIT ?)
    RETURNING job_id, tenant, type, status, error, json_extract(record, '$.tags') AS tags`),

  readCheckpoint: db.prepare('SELECT record FROM projection'),
  insertCheckpoint: db.prepare('INSERT INTO projection (id, revision, record) VALUES (1, ?, ?) ON CONFLICT DO NOTHING'),
  updateCheckpoint: db.prepare('UPDATE projection SET revision = ?, record = ? WHERE revision = ?'),
})

export type Statements = ReturnType<typeof prepareStatements>
