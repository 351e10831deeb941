import { requestOperations } from '#shared/contracts/http/operations/requests.ts'
import type { AppContext } from '#shared/http/app.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { isEnded } from '../decide/record.ts'
import { type ChangeByCallerDeps, changeByCaller } from './change-by-caller.ts'
import { requestView } from './request-view.ts'

/** Registers the routes that cancel a request: running jobs are cancelled, and nothing more is started. */
export function cancelRequestRoutes(router: GuardedRouter, deps: ChangeByCallerDeps): void {
  const cancel = async (ctx: AppContext, requestId: string, reason = 'Cancelled on request.') => {
    const { record } = await changeByCaller(deps, requestId, changeInfo(ctx), {
      command: { kind: 'cancel', reason },
      isAllowed: (before) => !isEnded(before),
      isDone: ({ status }) => status === 'cancelled',
      refusal: 'there is nothing left to cancel',
    })
    ctx.body = requestView(record)
  }
  router.serve(requestOperations.cancelRequest, (ctx, { params }) => cancel(ctx, params.request_id))
  router.serve(requestOperations.cancelRequestWithReason, (ctx, { params, body }) =>
    cancel(ctx, params.request_id, body.reason),
  )
}
