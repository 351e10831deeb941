import { byMember } from '#shared/auth/caller.ts'
import type { EventBody } from '#shared/bus/job-history.ts'
import type { Stream } from '#shared/bus/stream.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import { HEADERS } from '#shared/contracts/log/events.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { eventSubject, historyFilter, type JobEventName } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { type RequestInfo, requestHeaders } from '#shared/http/request-info.ts'
import { type GetJobDeps, getCurrentJob, writeThrough } from '../read/get-job.ts'

export interface NextEventDeps extends GetJobDeps {
  /** The log of jobs. */
  stream: Pick<Stream, 'lastOf'>
}

/** A running job may report progress in between, which moves its history on. */
const MAX_TRIES = 20

/**
 * Adds one event to a job's history, decided on the job's current state: read, decide, compare-and-set; again when
 * somebody else was faster.
 * @param decide returns the event that follows; throws where the job's state allows none
 * @returns the job after the event
 * @throws what `decide` throws; AppError `job-not-found`, `unavailable`
 */
export async function addNextEvent(
  deps: NextEventDeps,
  jobId: string,
  request: RequestInfo,
  decide: (job: Job) => EventBody | Promise<EventBody>,
): Promise<Job> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const job = await getCurrentJob(deps, jobId, request.caller)
    if (mayBeRepeat(job, request) && (await isOwnRepeat(deps, job, request))) return job
    let event: EventBody
    try {
      event = await decide(job)
    } catch (error) {
      const isLate = error instanceof AppError && error.code === 'wrong-state'
      if (isLate && (await isOwnRepeat(deps, job, request))) return job
      throw error
    }
    const next = await publishNext(deps, job, event, request)
    if (next !== null) return next
    // Somebody was faster; or the log was replaced, which this replica has not noticed yet.
    await deps.view.refresh()
  }
  throw unavailable('Too many others are changing this job. Try again.')
}

/** Whether the job's state would allow the same change once more: a reschedule, or anything after a retry. */
const mayBeRepeat = ({ phase, round }: Job, { changeKey }: RequestInfo): boolean =>
  phase === 'scheduled' || phase === 'retrying' || (round > 1 && changeKey !== undefined)

async function publishNext(deps: NextEventDeps, job: Job, body: EventBody, request: RequestInfo): Promise<Job | null> {
  // A job that ended long ago has left the log, or was never in it; only then may its history continue after nothing.
  const isTrimmed = job.seq === 0 || (isTerminal(job.phase) && (await deps.stream.lastOf(historyFilter(job))) === null)
  const told: EventBody = { ...body, ...byMember(request.caller) }
  const result = await deps.history.append(job, told, {
    after: isTrimmed ? 0 : job.seq,
    headers: {
      ...requestHeaders(request),
      ...(request.changeKey === undefined ? {} : { [HEADERS.changeKey]: request.changeKey }),
    },
  })
  if (result.kind !== 'stored') return null
  const next = applyEvent(job, result.event, result.seq)
  if (next !== null && next !== job) {
    await writeThrough(deps, next)
    return next
  }
  // The known version came from another log, whose sequences were larger.
  await deps.view.refresh()
  return getCurrentJob(deps, job.job_id, request.caller)
}

const MADE_BY_REQUESTS = ['job:cancelled', 'job:created', 'job:scheduled'] as const satisfies JobEventName[]

/**
 * Whether the stored change came from an earlier try of this request: nginx repeats a request whose replica died, and a
 * caller one whose answer was lost. This is known as long as the log keeps the event and no later one of the same name
 * has come.
 */
async function isOwnRepeat(deps: NextEventDeps, job: Job, request: RequestInfo): Promise<boolean> {
  const { changeKey, requestId, requestIdTrusted } = request
  if (!requestIdTrusted && changeKey === undefined) return false
  for (const name of MADE_BY_REQUESTS) {
    const message = await deps.stream.lastOf(eventSubject(name, job))
    if (message === null) continue
    if (requestIdTrusted && message.headers.get(HEADERS.requestId) === requestId) return true
    if (changeKey !== undefined && message.headers.get(HEADERS.changeKey) === changeKey) return true
  }
  return false
}
