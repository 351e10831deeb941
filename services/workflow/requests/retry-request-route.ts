import { requestOperations } from '#shared/contracts/http/operations/requests.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { sentOn } from '#shared/trace/traceparent.ts'
import { type ChangeByCallerDeps, changeByCaller } from './change-by-caller.ts'
import { requestView } from './request-view.ts'

/** Registers the retry, which continues at the step where the request failed or was cancelled. */
export function retryRequestRoutes(router: GuardedRouter, deps: ChangeByCallerDeps): void {
  router.serve(requestOperations.retryRequest, async (ctx, { params }) => {
    const info = changeInfo(ctx)
    const { record } = await changeByCaller(deps, params.request_id, info, {
      command: { kind: 'retry', traceparent: sentOn(info.traceparent) },
      // The parent would never hear of it: a retry of the parent starts another child instead.
      isAllowed: ({ status, parent }) => parent === null && (status === 'failed' || status === 'cancelled'),
      isDone: ({ round }, before) => round > before.round,
      refusal:
        'only a failed or cancelled request can be retried, once none of its jobs runs, and never a child of another request',
    })
    ctx.status = 202
    ctx.body = requestView(record)
  })
}
