import type { DatabaseSchema } from '../sqlite/open-database.ts'

/**
 * The schema of the requests. `record` comes last: reading the columns before it does not read it. `requests_by_tenant`
 * costs nothing where there are no tenants; `requests_by_end` serves retention.
 */
export const REQUESTS_SCHEMA: DatabaseSchema = {
  version: 1,
  create: `
    CREATE TABLE requests (
      request_id TEXT PRIMARY KEY NOT NULL,
      generation INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      tenant TEXT NOT NULL,
      status TEXT NOT NULL,
      ended_at TEXT NOT NULL,
      summary TEXT NOT NULL,
      record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX requests_by_status ON requests (status, request_id);
    CREATE INDEX requests_by_tenant ON requests (tenant, status, request_id) WHERE tenant <> '';
    CREATE INDEX requests_by_end ON requests (ended_at) WHERE ended_at <> '';
    PRAGMA user_version = 1;
  `,
  upgrades: {},
}
