import type Router from '@koa/router'
import { type CancelJobBody, cancelJobBodySchema, jobView } from '#shared/contracts/http/jobs.ts'
import type { AppContext } from '#shared/http/app.ts'
import { readOptionalBody } from '#shared/http/read-body.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import type { NextEventDeps } from '../next-event.ts'
import { cancelJob } from './cancel-job.ts'

/** `DELETE /:job_id`, `DELETE /v1/jobs/:job_id`, and `POST /v1/jobs/:job_id/cancel` with a reason. */
export function cancelJobRoutes(router: Router, deps: NextEventDeps): void {
  const handle = async (ctx: AppContext, jobId: string, body: CancelJobBody) => {
    ctx.body = jobView(await cancelJob(deps, jobId, body, changeInfo(ctx)))
  }
  router.post('/v1/jobs/:job_id/cancel', async (ctx) =>
    handle(ctx, ctx.params['job_id'] ?? '', await readOptionalBody(ctx, cancelJobBodySchema)),
  )
  router.delete('/v1/jobs/:job_id', (ctx) => handle(ctx, ctx.params['job_id'] ?? '', {}))
  router.delete('/:job_id', (ctx) => handle(ctx, ctx.params['job_id'] ?? '', {}))
}
