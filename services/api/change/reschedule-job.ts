import { startTimeMs } from '#shared/accept/start-time.ts'
import type { RescheduleJobBody } from '#shared/contracts/http/jobs.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { jobSpecOf, nextAttempt } from '#shared/contracts/log/job-spec.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { isoTime } from '#shared/time/clock.ts'
import { addNextEvent, type NextEventDeps } from './next-event.ts'
import { wrongState } from './wrong-state.ts'

/**
 * Gives a job that waits for its start another time; a time in the past starts it at once. The timer of the old time
 * may still fire: its trigger names an event that is no longer the last, and starts nothing.
 * @throws AppError `job-not-found`, `invalid-request`, `unavailable`; `wrong-state` for a job that waits for no time
 */
export function rescheduleJob(
  deps: NextEventDeps,
  jobId: string,
  body: RescheduleJobBody,
  request: RequestInfo,
): Promise<Job> {
  if (body.delay_ms === undefined && body.run_at === undefined) {
    throw new AppError('invalid-request', 'Give either delay_ms or run_at.')
  }
  return addNextEvent(deps, jobId, request, (job) => {
    if (job.phase !== 'scheduled' && job.phase !== 'retrying') {
      throw wrongState(job, 'only a scheduled or retrying job can be rescheduled')
    }
    const nowMs = deps.clock.now()
    const dueMs = startTimeMs(body, nowMs)
    const about = { ...jobSpecOf(job), attempt: nextAttempt(job) }
    return dueMs === null
      ? { event: 'job:created', ...about }
      : { event: 'job:scheduled', ...about, due_at: isoTime(dueMs) }
  })
}
