import type Router from '@koa/router'
import { jobView } from '#shared/contracts/http.ts'
import { isTerminal } from '#shared/contracts/job.ts'
import type { AppContext } from '../http/app.ts'
import { matchesEtag } from '../http/etag.ts'
import { type GetJobDeps, getJob } from './get-job.ts'

/** `GET /:job_id` and `GET /v1/jobs/:job_id`. */
export function getJobRoutes(router: Router, deps: GetJobDeps): void {
  const handle = async (ctx: AppContext, jobId: string) => {
    const job = await getJob(deps, jobId)
    ctx.set('Cache-Control', 'no-cache')
    // The sequence of the job's last event is the version of what is shown.
    const etag = `"${job.seq}"`
    ctx.set('ETag', etag)
    if (!isTerminal(job.phase)) ctx.set('Retry-After', '1')
    if (matchesEtag(ctx.get('if-none-match'), etag)) {
      ctx.status = 304
      return
    }
    ctx.body = jobView(job)
  }
  router.get('/v1/jobs/:job_id', (ctx) => handle(ctx as unknown as AppContext, ctx.params['job_id'] ?? ''))
  router.get('/:job_id', (ctx) => handle(ctx as unknown as AppContext, ctx.params['job_id'] ?? ''))
}
