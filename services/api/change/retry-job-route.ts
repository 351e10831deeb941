import { jobView } from '#shared/contracts/http/jobs.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { type RetryJobDeps, retryJob } from './retry-job.ts'

export function retryJobRoutes(router: GuardedRouter, deps: RetryJobDeps): void {
  router.serve(jobOperations.retryJob, async (ctx, { params, body }) => {
    const job = await retryJob(deps, params.job_id, body, changeInfo(ctx))
    ctx.status = 202
    ctx.body = jobView(job)
  })
}
