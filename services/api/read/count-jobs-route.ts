import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type CountJobsDeps, countJobs } from './count-jobs.ts'

export function countJobsRoutes(router: GuardedRouter, deps: CountJobsDeps): void {
  router.serve(jobOperations.countJobs, async (ctx) => {
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = await countJobs(deps, callerOf(ctx))
  })
}
