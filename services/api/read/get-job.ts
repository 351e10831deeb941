import { type Caller, maySee } from '#shared/auth/caller.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { isJobId, jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { AppError, cannotRead, unavailable } from '#shared/errors/app-error.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { JobStore, StoredJob } from '#shared/stores/jobs/job-store.ts'
import { type ProjectionView, rebasedOntoLog } from '#shared/stores/jobs/projection-view.ts'
import { type Clock, DAY, MINUTE } from '#shared/time/clock.ts'

export interface GetJobDeps {
  store: JobStore
  history: JobHistory
  view: ProjectionView
  clock: Clock
  log: Logger
}

/**
 * Age below which a job may be missing in the store; an older id that is missing is unknown, and not worth a wide read.
 * The day is an Idempotency-Key's: it keeps an id for a job that is created only when the cooldown allows it.
 */
const YOUNG_MS = DAY + 10 * MINUTE
const CLOCK_SKEW_MS = 1 * MINUTE

/**
 * The current job: from the store, and from the log where the store is behind. Another tenant's job is not found.
 * @throws AppError `job-not-found`; `unavailable` when neither can answer
 */
export async function getJob(deps: GetJobDeps, jobId: string, caller: Caller): Promise<Job> {
  return orNotFound(isJobId(jobId) ? await findJob(deps, jobId) : null, caller)
}

/**
 * The current job, or null. Without the store there is no answer: the version that the log shows now could not be
 * stored, and the store, back but behind, would then show less.
 * @throws AppError `unavailable` when the store, or the log where it is needed, cannot answer
 */
export async function findJob(deps: GetJobDeps, jobId: string): Promise<Job | null> {
  const stored = await fromStore(deps, jobId)
  if (stored !== null && !(await isBehind(deps, stored))) return stored.job
  return catchUp(deps, jobId, stored)
}

/**
 * The job as the log has it at this moment, for callers that are about to add to its history or have seen its end.
 * @throws AppError `job-not-found`; `unavailable` when the store or the log cannot answer
 */
export async function getCurrentJob(deps: GetJobDeps, jobId: string, caller: Caller): Promise<Job> {
  return orNotFound(isJobId(jobId) ? await catchUp(deps, jobId, await fromStore(deps, jobId)) : null, caller)
}

function orNotFound(job: Job | null, caller: Caller): Job {
  if (job === null || !maySee(caller, job.tenant)) throw new AppError('job-not-found', 'No job has this id.')
  return job
}

/** The stored job with every later event of the log. */
async function catchUp(deps: GetJobDeps, jobId: string, stored: StoredJob | null): Promise<Job | null> {
  if (stored === null && !isYoung(deps.clock, jobId) && !deps.view.isRebuilding) return null
  const known = stored === null ? null : rebasedOntoLog(stored, deps.view.logGeneration)
  const logged = await foldFromLog(deps, jobId, stored?.generation === deps.view.generation, known)
  if (logged === null || logged === known) return known
  await writeThrough(deps, logged)
  return logged
}

const fromStore = ({ store }: GetJobDeps, jobId: string): Promise<StoredJob | null> =>
  store.get(jobId).catch(cannotRead('The store'))

/**
 * Whether callers may have seen more than the store has. During a rebuild documents are written anew from their first
 * event on, so one that has not ended may be older than the version callers saw.
 */
async function isBehind(deps: GetJobDeps, stored: StoredJob): Promise<boolean> {
  if (isTerminal(stored.job.phase)) return false
  if (stored.generation > deps.view.generation) await deps.view.refresh()
  return deps.view.isRebuilding && stored.generation === deps.view.generation
}

function isYoung(clock: Clock, jobId: string): boolean {
  const ageMs = clock.now() - jobIdTimeMs(jobId)
  return ageMs < YOUNG_MS && ageMs > -CLOCK_SKEW_MS
}

/**
 * Folds the log onto the stored job if it is of this generation; otherwise from the beginning, or from the job as an
 * older generation knew it.
 */
async function foldFromLog(
  deps: GetJobDeps,
  jobId: string,
  isCurrent: boolean,
  known: Job | null,
): Promise<Job | null> {
  try {
    let job = isCurrent ? known : null
    for (const { seq, event } of await deps.history.all(known ?? jobId, (job?.seq ?? 0) + 1))
      job = applyEvent(job, event, seq) ?? applyEvent(known, event, seq)
    return job
  } catch (error) {
    throw unavailable('The log cannot be read at the moment. Try again.', error)
  }
}

/** Stores a job before it is shown, by the same guarded write, so that no later answer shows less. */
export async function writeThrough(deps: GetJobDeps, job: Job): Promise<void> {
  try {
    // A job shown without being stored would be too new: the projection would then begin with less.
    if (deps.view.generation === 0 && (await deps.view.refresh()) === null)
      throw new Error('no replica has started to apply the log')
    await deps.store.putNewer([{ generation: deps.view.generation, job }])
  } catch (error) {
    throw unavailable('The store cannot be written at the moment. Try again.', error)
  }
}
