import { jobSummaryView } from '#shared/contracts/http/jobs.ts'
import { type Job, statusOf } from '#shared/contracts/log/job.ts'
import { AppError } from '#shared/errors/app-error.ts'

/** Tells the loser of a race the job's current state. */
export function wrongState(job: Job, what: string): AppError {
  return new AppError('wrong-state', `The job is ${statusOf(job.phase)}: ${what}.`, {
    members: { job: jobSummaryView(job) },
  })
}
