import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import type { StoreAgeDeps } from '#shared/read-store/store-age.ts'
import { cancelJobs } from './cancel-jobs.ts'
import type { NextEventDeps } from './next-event.ts'

export function cancelJobsRoutes(router: GuardedRouter, deps: NextEventDeps & StoreAgeDeps): void {
  router.serve(jobOperations.cancelJobs, async (ctx, { body }) => {
    ctx.body = await cancelJobs(deps, body, changeInfo(ctx))
  })
}
