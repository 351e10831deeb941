import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import type { StoreAgeDeps } from '#shared/read-store/store-age.ts'
import { redriveJobs } from './redrive-jobs.ts'
import type { RetryJobDeps } from './retry-job.ts'

export function redriveJobsRoutes(router: GuardedRouter, deps: RetryJobDeps & StoreAgeDeps): void {
  router.serve(jobOperations.redriveJobs, async (ctx, { body }) => {
    ctx.body = await redriveJobs(deps, body, changeInfo(ctx))
  })
}
