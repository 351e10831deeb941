import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type ExplainJobDeps, explainJob } from './explain-job.ts'

export function explainJobRoutes(router: GuardedRouter, deps: ExplainJobDeps): void {
  router.serve(jobOperations.explainJob, async (ctx, { params }) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await explainJob(deps, params.job_id, callerOf(ctx))
  })
}
