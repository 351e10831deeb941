import type { Door } from '#shared/accept/door.ts'
import { checkLimits } from '#shared/accept/job-limits.ts'
import type { JobTypes } from '#shared/accept/job-types.ts'
import { startTimeMs } from '#shared/accept/start-time.ts'
import type { EventBody } from '#shared/bus/job-history.ts'
import type { RetryJobBody } from '#shared/contracts/http/jobs.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { jobSpecOf, nextAttempt } from '#shared/contracts/log/job-spec.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { taskOf } from '#shared/ids/task-address.ts'
import { isoTime } from '#shared/time/clock.ts'
import { addNextEvent, type NextEventDeps } from './next-event.ts'
import { wrongState } from './wrong-state.ts'

export interface RetryJobDeps extends NextEventDeps {
  door: Door
  types: JobTypes
}

/**
 * Starts the next round of a job that failed or was cancelled: same id, same payload, as many attempts again, with
 * continuing numbers; its history stays. The cooldown does not apply, because this is no new job.
 * @throws AppError `job-not-found`, `unknown-type`, `invalid-request`, `unavailable`; `wrong-state` for other jobs
 */
export async function retryJob(
  deps: RetryJobDeps,
  jobId: string,
  body: RetryJobBody,
  request: RequestInfo,
): Promise<Job> {
  deps.door.check()
  return addNextEvent(deps, jobId, request, async (job) => {
    if (job.phase !== 'failed' && job.phase !== 'cancelled') {
      throw wrongState(job, 'only a failed or cancelled job can be retried')
    }
    // The job's request would never hear of the retry, and may have undone the job's work.
    if (taskOf(job.job_id, job.object_id) !== null)
      throw wrongState(job, 'it belongs to a request; retry the request instead')
    checkLimits((await deps.types.getOffered(job.type)).info.policy, body)
    return roundEvent(job, body, deps.clock.now())
  })
}

/** The event that begins the next round. */
export function roundEvent(job: Job, body: RetryJobBody, nowMs: number): EventBody {
  const dueMs = startTimeMs(body, nowMs)
  const attempt = nextAttempt(job)
  const attempts = body.attempts ?? job.max_attempts - job.first_attempt + 1
  const about = {
    ...jobSpecOf(job),
    round: job.round + 1,
    crashes: 0,
    attempt,
    max_attempts: attempt + attempts - 1,
    ...(body.timeout_ms === undefined ? {} : { timeout_ms: body.timeout_ms }),
  }
  return dueMs === null
    ? { event: 'job:created', ...about }
    : { event: 'job:scheduled', ...about, due_at: isoTime(dueMs) }
}
