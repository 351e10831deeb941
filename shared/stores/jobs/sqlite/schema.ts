import type { DatabaseSchema } from '../../sqlite/open-database.ts'

/**
 * The tables of the jobs. Not WITHOUT ROWID, where a row of more than 1,000 bytes takes a page of 4 KiB of its own:
 * three times the disk, and slower. Rows lie in the order in which they came, which is nearly that of time, so writes
 * stay near each other. Columns that may be large come last: reading the columns before them does not read them.
 * - `jobs_active` holds only jobs that have not ended. Retention needs no index: it walks the primary key by time.
 * - `jobs_by_type` serves every search except by object: few types times five statuses are few walks to merge.
 * - `jobs_by_tenant` does the same for one tenant's jobs, and costs nothing where there are no tenants.
 * - `jobs_by_object` is many small indexes, one for each segment. One whole index over the users' object ids has no
 * order in time, so every job would write a page of its own; a search goes through the segments instead, which takes
 * microseconds. It holds everything that is searched together with an object.
 * - `job_tags` is one index over all, because a tag may have very many jobs, of which a page should cost a walk; only jobs
 * with tags pay for it. It has the time of the end beside the job, for the same reason as the others:
 * - The searches' indexes end in `ended_at`, so that a search by that time reads no row that it passes over.
 * - `job_counts` has the counts of all jobs under the tenant '' and each tenant's beside them: thousands of tenants do
 * not slow down the counts of all, with which every search over all begins.
 */
const SEARCH_INDEXES = `
  CREATE INDEX jobs_by_type ON jobs (type, status, job_id, ended_at);
  CREATE INDEX jobs_by_tenant ON jobs (tenant, type, status, job_id, ended_at) WHERE tenant <> '';
  CREATE INDEX jobs_by_object ON jobs (segment, object_id, job_id, status, type, tenant, ended_at);
`

/** Only jobs with an error pay for the index. */
const ERROR_INDEX = `
  CREATE INDEX jobs_by_error ON jobs (error, job_id, status, type, tenant, ended_at) WHERE error <> '';
`

/** Kinds of errors (`errors/errors.ts`), and how many jobs have failed with each and are still failed. */
const ERRORS = `
  CREATE TABLE job_errors (
    tenant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    generation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL,
    tally TEXT NOT NULL,
    PRIMARY KEY (tenant, fingerprint)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX job_errors_by_time ON job_errors (tenant, last_at, fingerprint);
  CREATE TABLE job_error_counts (
    tenant TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, fingerprint)
  ) STRICT, WITHOUT ROWID;
`

const TAGS = `
  CREATE TABLE job_tags (
    tag TEXT NOT NULL,
    job_id TEXT NOT NULL,
    ended_at TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tag, job_id)
  ) STRICT, WITHOUT ROWID;
`

const TABLES = `
  CREATE TABLE jobs (
    job_id TEXT PRIMARY KEY NOT NULL,
    generation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    object_id TEXT NOT NULL,
    tenant TEXT NOT NULL DEFAULT '',
    phase TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL,
    payload TEXT NOT NULL,
    result TEXT NOT NULL
  ) STRICT;
  CREATE INDEX jobs_active ON jobs (job_id) WHERE ended_at = '';
  ${SEARCH_INDEXES}
  ${ERROR_INDEX}
  ${TAGS}
  CREATE TABLE job_counts (
    tenant TEXT NOT NULL,
    type TEXT NOT NULL,
    status TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, status)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE inserted (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    total INTEGER NOT NULL
  ) STRICT;
`

/**
 * Counts by span of time (`series/series.ts`), and the levels beside them. The tenant '' has the counts of all, as in
 * `job_counts`.
 */
const SERIES = `
  CREATE TABLE job_series (
    step_s INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    at_s INTEGER NOT NULL,
    type TEXT NOT NULL,
    generation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    tally TEXT NOT NULL,
    PRIMARY KEY (step_s, tenant, at_s, type)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE job_levels (
    step_s INTEGER NOT NULL,
    at_s INTEGER NOT NULL,
    type TEXT NOT NULL,
    waiting INTEGER NOT NULL,
    running INTEGER NOT NULL,
    PRIMARY KEY (step_s, at_s, type)
  ) STRICT, WITHOUT ROWID;
`

const PROJECTION = `
  CREATE TABLE projection (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT;
`

/** Jobs in a segment: few pages to write to, and no more than 250 segments to search among a million jobs. */
export const SEGMENT_JOBS = 4_096

const SCHEMA_VERSION = 5

const CREATE = `
  ${TABLES}
  ${SERIES}
  ${ERRORS}
  ${PROJECTION}
  INSERT INTO inserted VALUES (1, 0);
  PRAGMA user_version = ${SCHEMA_VERSION};
`

/**
 * The step from schema 3, with which each older one ends. The keeper fills the new tables from the log, when it sees
 * that an older version has written the checkpoint. Jobs are found by the error that they have; those that left the log
 * keep none. No released version wrote schema 4, so none is upgraded.
 */
const FROM_3 = `
  ${SERIES}
  ALTER TABLE jobs ADD COLUMN error TEXT NOT NULL DEFAULT '';
  ${ERROR_INDEX}
  ${ERRORS}
  PRAGMA user_version = ${SCHEMA_VERSION};
`

export const JOBS_SCHEMA: DatabaseSchema = {
  version: SCHEMA_VERSION,
  create: CREATE,
  upgrades: {
    // 1: searches by tag and by the time of the end. Jobs of before have no tags.
    1: `
      DROP INDEX jobs_by_type;
      DROP INDEX jobs_by_tenant;
      DROP INDEX jobs_by_object;
      ${SEARCH_INDEXES}
      ${TAGS}
      ${FROM_3}
    `,
    // 2: searches by tag and the time of the end read no job that they pass over.
    2: `
      ALTER TABLE job_tags ADD COLUMN ended_at TEXT NOT NULL DEFAULT '';
      UPDATE job_tags SET ended_at = coalesce((SELECT ended_at FROM jobs WHERE jobs.job_id = job_tags.job_id), '');
      ${FROM_3}
    `,
    3: FROM_3,
  },
}
