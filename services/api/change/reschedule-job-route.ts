import { jobView } from '#shared/contracts/http/jobs.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import type { NextEventDeps } from './next-event.ts'
import { rescheduleJob } from './reschedule-job.ts'

export function rescheduleJobRoutes(router: GuardedRouter, deps: NextEventDeps): void {
  router.serve(jobOperations.rescheduleJob, async (ctx, { params, body }) => {
    ctx.body = jobView(await rescheduleJob(deps, params.job_id, body, changeInfo(ctx)))
  })
}
