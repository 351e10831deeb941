import type Router from '@koa/router'
import { jobView, retryJobBodySchema } from '#shared/contracts/http/jobs.ts'
import { readOptionalBody } from '#shared/http/read-body.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { type RetryJobDeps, retryJob } from './retry-job.ts'

export function retryJobRoutes(router: Router, deps: RetryJobDeps): void {
  router.post('/v1/jobs/:job_id/retry', async (ctx) => {
    const body = await readOptionalBody(ctx, retryJobBodySchema)
    const job = await retryJob(deps, ctx.params['job_id'] ?? '', body, changeInfo(ctx))
    ctx.status = 202
    ctx.body = jobView(job)
  })
}
