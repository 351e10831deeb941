import { type CancelJobBody, jobView } from '#shared/contracts/http/jobs.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { AppContext } from '#shared/http/app.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { cancelJob } from './cancel-job.ts'
import type { NextEventDeps } from './next-event.ts'

/** Registers three operations: cancel at the root, under /v1, and with a reason. */
export function cancelJobRoutes(router: GuardedRouter, deps: NextEventDeps): void {
  const cancel = async (ctx: AppContext, jobId: string, body: CancelJobBody = {}) => {
    ctx.body = jobView(await cancelJob(deps, jobId, body, changeInfo(ctx)))
  }
  router.serve(jobOperations.cancelJobWithReason, (ctx, { params, body }) => cancel(ctx, params.job_id, body))
  router.serve(jobOperations.cancelJob, (ctx, { params }) => cancel(ctx, params.job_id))
  router.serve(jobOperations.cancelJobAtRoot, (ctx, { params }) => cancel(ctx, params.job_id))
}
