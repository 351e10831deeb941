import type Router from '@koa/router'
import { noParameters } from '#shared/contracts/http/query.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { type CountJobsDeps, countJobs } from './count-jobs.ts'

/** `GET /v1/stats`. */
export function countJobsRoutes(router: Router, deps: CountJobsDeps): void {
  router.get('/v1/stats', async (ctx: AppContext) => {
    readQuery(ctx, noParameters)
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = await countJobs(deps, callerOf(ctx))
  })
}
