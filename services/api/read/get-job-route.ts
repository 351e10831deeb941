import { jobView } from '#shared/contracts/http/jobs.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import { isTerminal, type Job } from '#shared/contracts/log/job.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { matchesEtag } from '#shared/http/etag.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { getJob } from './get-job.ts'
import { honorPreferWait, type WaitJobDeps } from './wait-for-job.ts'

/** The ETag of a job: the sequence of its last event is the version that is shown. */
const etagOf = (job: Job): string => `"${job.seq}"`

export function getJobRoutes(router: GuardedRouter, deps: WaitJobDeps): void {
  /**
   * Waits for the job. A caller that names a version waits for another one, which may exist already; one that names
   * none waits for the end.
   */
  const waitedFor = async (ctx: AppContext, first: Job): Promise<Job> => {
    const known = ctx.get('if-none-match')
    if (known !== '' && !matchesEtag(known, etagOf(first))) return first
    return (await honorPreferWait(deps, ctx, first, known === '' ? null : first.seq)) ?? first
  }
  const show = async (ctx: AppContext, jobId: string) => {
    const first = await getJob(deps, jobId, callerOf(ctx))
    const job = isTerminal(first.phase) ? first : await waitedFor(ctx, first)
    const etag = etagOf(job)
    ctx.set('Cache-Control', 'no-cache')
    ctx.set('ETag', etag)
    if (!isTerminal(job.phase)) ctx.set('Retry-After', '1')
    if (matchesEtag(ctx.get('if-none-match'), etag)) {
      ctx.status = 304
      return
    }
    ctx.body = jobView(job)
  }
  router.serve(jobOperations.getJob, (ctx, { params }) => show(ctx, params.job_id))
  router.serve(jobOperations.getJobAtRoot, (ctx, { params }) => show(ctx, params.job_id))
}
