import type Router from '@koa/router'
import { noParameters } from '#shared/contracts/http/query.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { type ShowMessageWorkersDeps, showMessageWorkers } from './show-message-workers.ts'

/** `GET /v1/message/workers`. */
export function showMessageWorkersRoutes(router: Router, deps: ShowMessageWorkersDeps): void {
  router.get('/v1/message/workers', async (ctx) => {
    readQuery(ctx, noParameters)
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = await showMessageWorkers(deps)
  })
}
