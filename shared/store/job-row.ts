import {
  isTerminal,
  type Job,
  type JobPhase,
  type JobStatus,
  type JobSummary,
  statusOf,
} from '#shared/contracts/job.ts'
import type { StoredJob } from './port.ts'

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

/**
 * Only `toRow` writes rows, so what comes back is trusted, not parsed by a schema. A record written before payload and
 * result lay beside it has them in it, and is right where both are there.
 */
export const fromRow = (row: ReadRow): StoredJob => ({
  generation: row.generation,
  job: { payload: parsed(row.payload), result: parsed(row.result), ...(JSON.parse(row.record) as Partial<Job>) } as Job,
})

type ReadRow = Pick<JobRow, 'generation' | 'record'> & Partial<Pick<JobRow, 'payload' | 'result'>>

const parsed = (text: string | undefined): unknown => (text === undefined ? null : JSON.parse(text))

export function toSummary({ record }: Pick<JobRow, 'record'>): JobSummary {
  const { payload: _payload, result: _result, ...summary } = JSON.parse(record) as Job
  return summary
}

/** The one meaning of "newer": generation first, then the stream sequence. */
export const isNewer = (a: JobVersion, b: JobVersion): boolean =>
  a.generation === b.generation ? a.seq > b.seq : a.generation > b.generation

export type JobVersion = Pick<JobRow, 'generation' | 'seq'>
