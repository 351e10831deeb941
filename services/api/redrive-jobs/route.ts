import type Router from '@koa/router'
import { redriveBodySchema } from '#shared/contracts/http/redrive.ts'
import { readBody } from '#shared/http/read-body.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import type { RetryJobDeps } from '../retry-job/retry-job.ts'
import { redriveJobs } from './redrive-jobs.ts'

/** `POST /v1/redrive`. */
export function redriveJobsRoutes(router: Router, deps: RetryJobDeps): void {
  router.post('/v1/redrive', async (ctx) => {
    const body = await readBody(ctx, redriveBodySchema)
    ctx.body = await redriveJobs(deps, body, changeInfo(ctx))
  })
}
