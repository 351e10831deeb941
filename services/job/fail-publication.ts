import type { Publication } from '#shared/bus/publisher.ts'
import { eventSubject, historyFilter, type JobAddress } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'

export interface Failure {
  /** The job's history must end here. */
  after: number
  reason: string
  error: { name: string; message: string }
}

/** The end of a job that this worker knows by its address alone: what would say more cannot be read or sent. */
export const failPublication = (clock: Clock, job: JobAddress, { after, reason, error }: Failure): Publication => ({
  subject: eventSubject('job:failed', job),
  body: JSON.stringify({
    event: 'job:failed',
    job_id: job.job_id,
    object_id: '',
    type: job.type,
    at: isoTime(clock.now()),
    reason,
    error,
  }),
  nonce: newNonce(),
  jobId: job.job_id,
  expect: { seq: after, filter: historyFilter(job) },
})
