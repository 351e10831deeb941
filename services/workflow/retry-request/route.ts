import type Router from '@koa/router'
import type { AppContext } from '#shared/http/app.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { type ChangeByCallerDeps, changeByCaller } from '../change-by-caller.ts'
import { requestView } from '../get-request/request-view.ts'

/** `POST /v1/requests/:request_id/retry`: goes on at the step where the request failed or was cancelled. */
export function retryRequestRoutes(router: Router, deps: ChangeByCallerDeps): void {
  router.post('/v1/requests/:request_id/retry', async (ctx: AppContext) => {
    const { record } = await changeByCaller(deps, ctx.params['request_id'] ?? '', changeInfo(ctx), {
      wish: { kind: 'retry' },
      // The parent would never hear of it: retried itself it begins another one.
      isAllowed: ({ status, parent }) => parent === null && (status === 'failed' || status === 'cancelled'),
      isDone: ({ round }, before) => round > before.round,
      refusal:
        'only one that failed or was cancelled can be retried, once nothing of it runs, and not one that another began',
    })
    ctx.status = 202
    ctx.body = requestView(record)
  })
}
