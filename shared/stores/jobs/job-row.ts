import { isTerminal, type JobPhase, type JobSummary } from '#shared/contracts/log/job.ts'
import { currentError, fingerprintOf } from './errors/fingerprint.ts'
import type { StoredJob } from './job-store.ts'
import { type StoredStatus, storedStatusOf } from './stored-status.ts'

/**
 * The row in which both stores keep a job: columns for the few members that are compared or searched, and the rest as
 * JSON text. In a text, no key of a user's payload (`$set`, `a.b`, `__proto__`) has a meaning for a store.
 */
export interface JobRow {
  job_id: string
  generation: number
  seq: number
  type: string
  status: StoredStatus
  object_id: string
  /** '' where the job belongs to no tenant. */
  tenant: string
  tags: readonly string[]
  phase: JobPhase
  updated_at: string
  /** '' while the job has not ended: one field tells both whether and when it ended. */
  ended_at: string
  /** The fingerprint of the error that it has now; '' where it has none. */
  error: string
  /** The JobSummary. Members that may be large have columns of their own, so that a list does not read them. */
  record: string
  payload: string
  result: string
}

const NO_TAGS: readonly string[] = []

export function toRow({ generation, job }: StoredJob): JobRow {
  const error = currentError(job)
  return {
    job_id: job.job_id,
    generation,
    seq: job.seq,
    type: job.type,
    status: storedStatusOf(job),
    object_id: job.object_id,
    tenant: job.tenant ?? '',
    tags: job.tags ?? NO_TAGS,
    phase: job.phase,
    updated_at: job.updated_at,
    ended_at: isTerminal(job.phase) ? (job.finished_at ?? job.updated_at) : '',
    error: error === null ? '' : fingerprintOf(job.type, error),
    record: JSON.stringify({ ...job, payload: undefined, result: undefined }),
    payload: JSON.stringify(job.payload ?? null),
    result: JSON.stringify(job.result ?? null),
  }
}

/** The job in a row. Only `toRow` writes rows, so a row is trusted and not parsed by a schema. */
export function fromRow(row: Pick<JobRow, 'generation' | 'record' | 'payload' | 'result'>): StoredJob {
  const record = JSON.parse(row.record) as JobSummary
  return {
    generation: row.generation,
    job: { ...record, payload: JSON.parse(row.payload) as unknown, result: JSON.parse(row.result) as unknown },
  }
}

export const toSummary = ({ record }: Pick<JobRow, 'record'>): JobSummary => JSON.parse(record) as JobSummary
