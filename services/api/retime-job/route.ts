import type Router from '@koa/router'
import { jobView, retimeJobBodySchema } from '#shared/contracts/http/jobs.ts'
import { readBody } from '#shared/http/read-body.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import type { NextEventDeps } from '../next-event.ts'
import { retimeJob } from './retime-job.ts'

/** `PATCH /v1/jobs/:job_id` with `delay_ms` or `run_at`. */
export function retimeJobRoutes(router: Router, deps: NextEventDeps): void {
  router.patch('/v1/jobs/:job_id', async (ctx) => {
    const body = await readBody(ctx, retimeJobBodySchema)
    ctx.body = jobView(await retimeJob(deps, ctx.params['job_id'] ?? '', body, changeInfo(ctx)))
  })
}
