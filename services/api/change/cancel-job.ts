import type { CancelJobBody } from '#shared/contracts/http/jobs.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { addNextEvent, type NextEventDeps } from './next-event.ts'
import { wrongState } from './wrong-state.ts'

/**
 * Ends a job that has not ended: a waiting job never starts, and a running one has its signal aborted on its worker. In
 * a race with the worker's outcome the broker decides; exactly one of the two is stored.
 * @throws AppError `job-not-found`, `unavailable`; `wrong-state` when the job has ended
 */
export function cancelJob(deps: NextEventDeps, jobId: string, body: CancelJobBody, request: RequestInfo): Promise<Job> {
  return addNextEvent(deps, jobId, request, (job) => {
    if (isTerminal(job.phase)) throw wrongState(job, 'there is nothing left to cancel')
    return {
      event: 'job:cancelled',
      reason: 'requested',
      ...(body.reason === undefined ? {} : { error: { name: 'Cancelled', message: body.reason } }),
    }
  })
}
