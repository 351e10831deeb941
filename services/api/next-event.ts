import type { Publisher } from '#shared/bus/publisher.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import { HEADERS, type JobEvent } from '#shared/contracts/log/events.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { eventSubject, historyFilter, type JobEventName } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { type RequestInfo, requestHeaders } from '#shared/http/request-info.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { SECOND } from '#shared/time/clock.ts'
import { type GetJobDeps, getCurrentJob, writeThrough } from './get-job/get-job.ts'

export interface NextEventDeps extends GetJobDeps {
  publisher: Publisher
}

/** Under nginx's read timeout: a caller gets our answer, not a gateway's. */
const PUBLISH_DEADLINE_MS = 5 * SECOND
/** A running job may report progress meanwhile, which moves its history under us. */
const MAX_TRIES = 20

/**
 * Adds one event to a job's history, decided on what the job is at that moment: read, decide, compare-and-set; again
 * when somebody else was faster.
 * @param decide the event that follows; throws where the job's state allows none
 * @returns the job after it
 * @throws what `decide` throws; AppError `job-not-found`, `unavailable`
 */
export async function addNextEvent(
  deps: NextEventDeps,
  jobId: string,
  request: RequestInfo,
  decide: (job: Job) => JobEvent | Promise<JobEvent>,
): Promise<Job> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const job = await getCurrentJob(deps, jobId, request.caller)
    if (mayComeAgain(job, request) && (await isOwnRepeat(deps, job, request))) return job
    let event: JobEvent
    try {
      event = await decide(job)
    } catch (error) {
      const isLate = error instanceof AppError && error.code === 'wrong-state'
      if (isLate && (await isOwnRepeat(deps, job, request))) return job
      throw error
    }
    const next = await publishNext(deps, job, event, request)
    if (next !== null) return next
    // Somebody was faster; or the log is another one, which this replica has not noticed yet.
    await deps.view.refresh()
  }
  throw unavailable('The job changes too quickly to be changed. Try again.')
}

/** Whether the job's state would allow the same change once more: another time, or anything after a retry. */
const mayComeAgain = ({ phase, round }: Job, { changeKey }: RequestInfo): boolean =>
  phase === 'scheduled' || phase === 'retrying' || (round > 1 && changeKey !== undefined)

async function publishNext(deps: NextEventDeps, job: Job, event: JobEvent, request: RequestInfo): Promise<Job | null> {
  const filter = historyFilter(job)
  // A job that ended long ago has left the log, or was never in this one; only then may its history go on after nothing.
  const isTrimmed = job.seq === 0 || (isTerminal(job.phase) && (await deps.reader.lastOf(filter)) === null)
  const result = await deps.publisher.publish(
    {
      subject: eventSubject(event.event, job),
      body: JSON.stringify(event),
      nonce: newNonce(),
      jobId: job.job_id,
      expect: { seq: isTrimmed ? 0 : job.seq, filter },
      headers: {
        ...requestHeaders(request),
        ...(request.changeKey === undefined ? {} : { [HEADERS.changeKey]: request.changeKey }),
      },
    },
    { deadlineMs: PUBLISH_DEADLINE_MS },
  )
  if (result.kind !== 'stored') return null
  const next = applyEvent(job, event, result.seq)
  if (next !== null && next !== job) {
    await writeThrough(deps, next)
    return next
  }
  // What was known of it came from another log, whose sequences were larger.
  await deps.view.refresh()
  return getCurrentJob(deps, job.job_id, request.caller)
}

const MADE_BY_REQUESTS = ['job:cancelled', 'job:created', 'job:scheduled'] as const satisfies JobEventName[]

/**
 * nginx sends a request again whose replica died, and a caller one whose answer was lost: what the first try did is then
 * this request's doing. Known as long as the log keeps the event and no later one of its name has come.
 */
async function isOwnRepeat(deps: NextEventDeps, job: Job, request: RequestInfo): Promise<boolean> {
  const { changeKey, requestId, requestIdTrusted } = request
  if (!requestIdTrusted && changeKey === undefined) return false
  for (const name of MADE_BY_REQUESTS) {
    const message = await deps.reader.lastOf(eventSubject(name, job))
    if (message === null) continue
    if (requestIdTrusted && message.headers.get(HEADERS.requestId) === requestId) return true
    if (changeKey !== undefined && message.headers.get(HEADERS.changeKey) === changeKey) return true
  }
  return false
}
