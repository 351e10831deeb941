import type { JobStats } from '#shared/contracts/http/job-list.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type CountJobsDeps, countJobs } from './count-jobs.ts'
import { type StoreAgeDeps, storeAge } from './store-age.ts'

export function countJobsRoutes(router: GuardedRouter, deps: CountJobsDeps & StoreAgeDeps): void {
  router.serve(jobOperations.countJobs, async (ctx) => {
    ctx.set('Cache-Control', 'no-cache')
    const age = await storeAge(deps)
    ctx.body = { ...age, ...(await countJobs(deps, callerOf(ctx))) } satisfies JobStats
  })
}
