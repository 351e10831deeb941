import { type Connection, Schema } from 'mongoose'
import type { VersionedDocument } from '../../mongo/put-newer.ts'
import { type JobRow, toRow } from '../job-row.ts'
import type { Checkpoint, StoredJob } from '../job-store.ts'
import type { ErrorDocument } from './errors.ts'
import type { LevelDocument, SpanDocument } from './series.ts'

/** A JobRow under Mongo's own key. */
export type JobDocument = Omit<JobRow, 'job_id' | 'tags'> & { _id: string; tags?: string[] }
export function toDocument(stored: StoredJob): JobDocument {
  const { job_id, tags, ...fields } = toRow(stored)
  return { _id: job_id, ...fields, ...(tags.length === 0 ? {} : { tags: [...tags] }) }
}

export type CheckpointDocument = Checkpoint & { _id: string }

const OPTIONS = { versionKey: false, strict: 'throw', autoIndex: false, autoCreate: false } as const

/**
 * Indexes, one for each kind of search, with the sort order last. A search names its index, because a plan that was
 * tried once may fit badly.
 */
export const SEARCH_INDEXES = {
  byStatus: { status: 1, _id: -1 },
  byType: { type: 1, status: 1, _id: -1 },
  byTenant: { tenant: 1, status: 1, _id: -1 },
  byTenantAndType: { tenant: 1, type: 1, status: 1, _id: -1 },
  byTag: { tags: 1, status: 1, _id: -1 },
  byError: { error: 1, status: 1, _id: -1 },
  byObject: { object_id: 1, status: 1, _id: -1 },
} as const

const jobSchema = new Schema<JobDocument>(
  {
    _id: { type: String, required: true },
    generation: { type: Number, required: true },
    seq: { type: Number, required: true },
    type: { type: String, required: true },
    status: { type: String, required: true },
    object_id: { type: String, required: true },
    tenant: String,
    tags: { type: [String], default: undefined },
    phase: { type: String, required: true },
    updated_at: { type: String, required: true },
    ended_at: String,
    error: String,
    record: { type: String, required: true },
    payload: { type: String, required: true },
    result: { type: String, required: true },
  },
  { ...OPTIONS, collection: 'jobs' },
)
// Serves both searches: active jobs ('') in the order of their ids, and ended ones by time.
jobSchema.index({ ended_at: 1, _id: 1 })
for (const keys of Object.values(SEARCH_INDEXES)) jobSchema.index(keys)

const checkpointSchema = new Schema<CheckpointDocument>(
  {
    _id: { type: String, required: true },
    revision: { type: Number, required: true },
    generation: { type: Number, required: true },
    seq: { type: Number, required: true },
    rebuild_until: { type: Number, required: true },
    log_generation: Number,
    stream_created: String,
    as_of: String,
    log_from: String,
    fold_version: Number,
    owner: String,
    beat: { type: Number, required: true },
  },
  { ...OPTIONS, collection: 'projection' },
)

/** Reads go through the models; writes whose cost or types matter use the driver's own collections. */
export const makeModels = (connection: Connection) => ({
  jobs: connection.model('Job', jobSchema),
  jobCollection: connection.collection<JobDocument>('jobs'),
  /** The same collection, as `putNewer` writes it. */
  jobVersions: connection.collection<VersionedDocument>('jobs'),
  spans: connection.collection<SpanDocument>('job_series'),
  /** The same collection, as `putNewer` writes it. */
  spanVersions: connection.collection<VersionedDocument>('job_series'),
  errors: connection.collection<ErrorDocument>('job_errors'),
  errorVersions: connection.collection<VersionedDocument>('job_errors'),
  levels: connection.collection<LevelDocument>('job_levels'),
  checkpoints: connection.model('Checkpoint', checkpointSchema),
  checkpointCollection: connection.collection<CheckpointDocument>('projection'),
})

export type Models = ReturnType<typeof makeModels>
