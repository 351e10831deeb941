import { type Caller, maySee } from '#shared/auth/caller.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import { isJobId, jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
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
 * A job this young may not be in the store yet; an older id that is not there is unknown, and not worth a wide read.
 * The day is an Idempotency-Key's: it keeps an id for a job that is made only when the cooldown lets it.
 */
const YOUNG_MS = DAY + 10 * MINUTE
const CLOCK_SKEW_MS = 1 * MINUTE

/**
 * The job as it is: from the store, and from the log where the store is behind. Another tenant's is none.
 * @throws AppError `job-not-found`; `unavailable` when neither can tell
 */
export async function getJob(deps: GetJobDeps, jobId: string, caller: Caller): Promise<Job> {
  return orNotFound(isJobId(jobId) ? await findJob(deps, jobId) : null, caller)
}

/**
 * Without the store nothing is answered: what the log shows now could not be stored, and the store, back but behind,
 * would then show less.
 * @throws AppError `unavailable` when the store, or the log where it is needed, cannot tell
 */
export async function findJob(deps: GetJobDeps, jobId: string): Promise<Job | null> {
  const stored = await fromStore(deps, jobId)
  if (stored !== null && !(await isBehind(deps, stored))) return stored.job
  return catchUp(deps, jobId, stored)
}

/**
 * The job as the log has it at this moment, for those who are about to add to its history or who saw its end.
 * @throws AppError `job-not-found`; `unavailable` when the store or the log cannot tell
 */
export async function getCurrentJob(deps: GetJobDeps, jobId: string, caller: Caller): Promise<Job> {
  return orNotFound(isJobId(jobId) ? await catchUp(deps, jobId, await fromStore(deps, jobId)) : null, caller)
}

function orNotFound(job: Job | null, caller: Caller): Job {
  if (job === null || !maySee(caller, job.tenant)) throw new AppError('job-not-found', 'No job has this id.')
  return job
}

/** What is stored, and every later event of the log. */
async function catchUp(deps: GetJobDeps, jobId: string, stored: StoredJob | null): Promise<Job | null> {
  if (stored === null && !isYoung(deps.clock, jobId) && !deps.view.isRebuilding) return null
  const known = stored === null ? null : rebasedOntoLog(stored, deps.view.logGeneration)
  const logged = await foldFromLog(deps, jobId, stored?.generation === deps.view.generation, known)
  if (logged === null || logged === known) return known
  await writeThrough(deps, logged)
  return logged
}

async function fromStore(deps: GetJobDeps, jobId: string): Promise<StoredJob | null> {
  try {
    return await deps.store.get(jobId)
  } catch (error) {
    throw unavailable('The store cannot be read at the moment. Try again.', error)
  }
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

/** Goes on from what is stored in this generation; else from the beginning, or what an older generation knew of it. */
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

/** What is shown is stored first by the same guarded write, so that no later answer shows less. */
export async function writeThrough(deps: GetJobDeps, job: Job): Promise<void> {
  try {
    // Unstored it could be shown: the projection would then begin with less.
    if (deps.view.generation === 0 && (await deps.view.refresh()) === null)
      throw new Error('no replica has begun to apply the log')
    await deps.store.putNewer([{ generation: deps.view.generation, job }])
  } catch (error) {
    throw unavailable('The store cannot be written at the moment. Try again.', error)
  }
}
