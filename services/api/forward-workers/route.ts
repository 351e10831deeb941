import type Router from '@koa/router'
import type { AppContext } from '#shared/http/app.ts'
import { createForwarder, type ForwardDeps } from './forward-workers.ts'

const PATHS = ['/v1/workers', '/v1/workers/:worker_id', '/v1/workers/:worker_id/attempts']

/** The routes of the job service, which nobody else reaches. */
export function forwardWorkersRoutes(router: Router, deps: ForwardDeps): void {
  const forward = createForwarder(deps)
  router.get(PATHS, async (ctx: AppContext) => {
    const { status, headers, body } = await forward(ctx.method, `${ctx.path}${ctx.search}`, ctx.state.requestId)
    ctx.status = status
    ctx.body = body
    ctx.set(headers)
  })
}
