import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import type { JobAddress } from '#shared/contracts/log/subjects.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { SECOND } from '#shared/time/clock.ts'
import { type GetJobDeps, getCurrentJob } from './get-job.ts'
import { preferredWaitS } from './prefer.ts'
import { type WaitDeps, waitForEnd } from './wait-for-end.ts'

export type WaitJobDeps = GetJobDeps &
  WaitDeps & {
    /** Number of callers that wait at this replica now. */
    waiting: { count: number }
  }

/** Limit of waiting callers: each is a connection, a subscription and a timer for up to a minute. */
const MAX_WAITING = 5_000

/**
 * The job after the wait that its caller prefers, whatever its state is then; null where the caller prefers no wait.
 * The answer says that the preference was applied.
 * @param changedFrom any later event is enough; null: only the end is
 * @throws AppError `unavailable`
 */
export async function honorPreferWait(
  deps: WaitJobDeps,
  ctx: AppContext,
  job: JobAddress,
  changedFrom: number | null = null,
): Promise<Job | null> {
  ctx.vary('Prefer')
  const waitS = preferredWaitS(ctx.get('prefer'))
  // A preference need not be honored: with too many waiting callers, the answer comes at once.
  if (waitS === null || deps.waiting.count >= MAX_WAITING) return null
  ctx.set('Preference-Applied', `wait=${waitS}`)
  const left = new AbortController()
  const onClose = () => left.abort()
  ctx.res.once('close', onClose)
  deps.waiting.count++
  try {
    await waitForEnd(deps, job, waitS * SECOND, left.signal, changedFrom)
  } finally {
    deps.waiting.count--
    ctx.res.off('close', onClose)
  }
  return getCurrentJob(deps, job.job_id, callerOf(ctx))
}

/**
 * The ended job after the preferred wait, or null. Never throws: an accepted job stays accepted, even if the wait
 * fails.
 */
export async function honorPreferWaitForEnd(deps: WaitJobDeps, ctx: AppContext, job: JobAddress): Promise<Job | null> {
  try {
    const waited = await honorPreferWait(deps, ctx, job)
    return waited !== null && isTerminal(waited.phase) ? waited : null
  } catch (error) {
    deps.log.debug({ err: error, job_id: job.job_id }, 'could not wait for a job')
    return null
  }
}
