import { isTerminal, type Job, type JobPhase } from '#shared/contracts/job.ts'
import type { StoredJob } from './port.ts'

/**
 * How both stores keep a job: the few fields that are compared or searched, and the whole record as JSON text. As text
 * no key of a user's payload (`$set`, `a.b`, `__proto__`) means anything to a store.
 */
export interface JobRow {
  job_id: string
  generation: number
  seq: number
  phase: JobPhase
  updated_at: string
  /** '' while the job has not ended: one field tells both whether and when. */
  ended_at: string
  record: string
}

export function toRow({ generation, job }: StoredJob): JobRow {
  return {
    job_id: job.job_id,
    generation,
    seq: job.seq,
    phase: job.phase,
    updated_at: job.updated_at,
    ended_at: isTerminal(job.phase) ? (job.finished_at ?? job.updated_at) : '',
    record: JSON.stringify(job),
  }
}

/** Only `toRow` writes records, so what comes back is trusted, not parsed by a schema. */
export const fromRow = (row: Pick<JobRow, 'generation' | 'record'>): StoredJob => ({
  generation: row.generation,
  job: JSON.parse(row.record) as Job,
})

/** The one meaning of "newer": generation first, then the stream sequence. */
export const isNewer = (a: StoredJob, b: StoredJob): boolean =>
  a.generation === b.generation ? a.job.seq > b.job.seq : a.generation > b.generation
