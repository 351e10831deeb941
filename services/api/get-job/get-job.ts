import type { LogReader } from '#shared/bus/log-reader.ts'
import { applyEvent } from '#shared/contracts/apply-event.ts'
import { isTerminal, type Job } from '#shared/contracts/job.ts'
import { isJobId, jobIdTimeMs } from '#shared/contracts/job-id.ts'
import { type Clock, DAY, MINUTE } from '#shared/runtime/clock.ts'
import { AppError, unavailable } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logger.ts'
import type { JobStore, StoredJob } from '#shared/store/port.ts'
import type { ProjectionView } from '../project-events/projection-view.ts'

export interface GetJobDeps {
  store: JobStore
  reader: LogReader
  view: ProjectionView
  clock: Clock
  log: Logger
}

/**
 * A job this young may not be in the store yet; an older id that is not there is unknown, and not worth a wide read.
 * The day is an Idempotency-Key's: it keeps an id for a job that is made only when the cooldown lets it.
 */
const YOUNG_MS = DAY + 10 * MINUTE
const CLOCK_SKEW_MS = 1 * MINUTE

/**
 * The job as it is: from the store, and from the log where the store is behind.
 * @throws AppError `job-not-found`; `unavailable` when neither can tell
 */
export async function getJob(deps: GetJobDeps, jobId: string): Promise<Job> {
  const job = isJobId(jobId) ? await findJob(deps, jobId) : null
  if (job === null) throw new AppError('job-not-found', 'There is no job with this id.')
  return job
}

/** @throws AppError `unavailable` when neither store nor log can tell */
export async function findJob(deps: GetJobDeps, jobId: string): Promise<Job | null> {
  let stored: StoredJob | null = null
  let storeError: unknown = null
  try {
    stored = await deps.store.get(jobId)
    if (stored !== null && !(await isBehind(deps, stored))) return stored.job
  } catch (error) {
    storeError = error
    deps.log.warn({ err: error }, 'the store cannot be read')
  }
  const isRebuilding = deps.view.isRebuilding
  if (stored === null && storeError === null && !isYoung(deps.clock, jobId) && !isRebuilding) return null
  const logged = await foldFromLog(deps, jobId)
  if (logged === null) {
    if (storeError !== null)
      throw unavailable('The store cannot be read, and the log does not have this job.', storeError)
    return stored?.job ?? null
  }
  if (storeError === null) await writeThrough(deps, logged)
  return stored !== null && stored.job.seq > logged.seq ? stored.job : logged
}

/** During a rebuild documents are made anew from their first event on, so an unended one may be older than what callers saw. */
async function isBehind(deps: GetJobDeps, stored: StoredJob): Promise<boolean> {
  if (isTerminal(stored.job.phase)) return false
  if (stored.generation > deps.view.generation) await deps.view.refresh()
  return deps.view.isRebuilding && stored.generation === deps.view.generation
}

function isYoung(clock: Clock, jobId: string): boolean {
  const ageMs = clock.now() - jobIdTimeMs(jobId)
  return ageMs < YOUNG_MS && ageMs > -CLOCK_SKEW_MS
}

/** Only a whole history is shown: a fold that lacks its first event is null. */
async function foldFromLog(deps: GetJobDeps, jobId: string): Promise<Job | null> {
  try {
    let job: Job | null = null
    for (const { seq, event } of await deps.reader.history(jobId)) job = applyEvent(job, event, seq)
    return job
  } catch (error) {
    throw unavailable('The log cannot be read.', error)
  }
}

/** What was shown is stored by the same guarded write, so that no later answer shows less. */
async function writeThrough(deps: GetJobDeps, job: Job): Promise<void> {
  try {
    if (deps.view.generation > 0) await deps.store.putNewer([{ generation: deps.view.generation, job }])
  } catch (error) {
    deps.log.warn({ err: error, job_id: job.job_id }, 'what the log shows could not be stored')
  }
}
