import { isTerminal } from '#shared/contracts/job.ts'
import type { StoredJob } from '../port.ts'

/** A job as version 1 of both stores kept it: the whole of it in `record`, and less to search by. */
export const rowOfVersion1 = ({ generation, job }: StoredJob) => ({
  job_id: job.job_id,
  generation,
  seq: job.seq,
  phase: job.phase,
  updated_at: job.updated_at,
  ended_at: isTerminal(job.phase) ? (job.finished_at ?? job.updated_at) : '',
  record: JSON.stringify(job),
})
