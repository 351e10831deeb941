import type Router from '@koa/router'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { type ExplainJobDeps, explainJob } from './explain-job.ts'

/** `GET /v1/jobs/:job_id/why`. */
export function explainJobRoutes(router: Router, deps: ExplainJobDeps): void {
  router.get('/v1/jobs/:job_id/why', async (ctx: AppContext) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await explainJob(deps, ctx.params['job_id'] ?? '', callerOf(ctx))
  })
}
