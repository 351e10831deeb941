import { isTerminal, type JobPhase, type JobStatus, type JobSummary, statusOf } from '#shared/contracts/log/job.ts'
import type { StoredJob } from './job-store.ts'

/**
 * How both stores keep a job: the few fields that are compared or searched, and the rest as JSON text. As text no key
 * of a user's payload (`$set`, `a.b`, `__proto__`) means anything to a store.
 */
export interface JobRow {
  job_id: string
  generation: number
  seq: number
  type: string
  status: JobStatus
  object_id: string
  /** '' where the job is nobody's. */
  tenant: string
  phase: JobPhase
  updated_at: string
  /** '' while the job has not ended: one field tells both whether and when. */
  ended_at: string
  /** The JobSummary. What may be large lies beside it, so that a list does not read it. */
  record: string
  payload: string
  result: string
}

export function toRow({ generation, job }: StoredJob): JobRow {
  return {
    job_id: job.job_id,
    generation,
    seq: job.seq,
    type: job.type,
    status: statusOf(job.phase),
    object_id: job.object_id,
    tenant: job.tenant ?? '',
    phase: job.phase,
    updated_at: job.updated_at,
    ended_at: isTerminal(job.phase) ? (job.finished_at ?? job.updated_at) : '',
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
