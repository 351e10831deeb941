import type { JobCount, JobStats } from '#shared/contracts/http/job-list.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type StoreAgeDeps, storeAge } from '#shared/read-store/store-age.ts'
import { type CountJobsDeps, countJobs } from './count-jobs.ts'
import { type CountMatchingDeps, countMatching } from './count-matching.ts'

export function countJobsRoutes(router: GuardedRouter, deps: CountJobsDeps & CountMatchingDeps & StoreAgeDeps): void {
  router.serve(jobOperations.countMatching, async (ctx, { query }) => {
    ctx.set('Cache-Control', 'no-cache')
    const age = await storeAge(deps)
    ctx.body = { ...age, ...(await countMatching(deps, query, callerOf(ctx))) } satisfies JobCount
  })
  router.serve(jobOperations.countJobs, async (ctx) => {
    ctx.set('Cache-Control', 'no-cache')
    const age = await storeAge(deps)
    ctx.body = { ...age, ...(await countJobs(deps, callerOf(ctx))) } satisfies JobStats
  })
}
