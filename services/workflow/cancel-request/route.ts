import type Router from '@koa/router'
import { cancelRequestBodySchema } from '#shared/contracts/http/request-list.ts'
import type { AppContext } from '#shared/http/app.ts'
import { readOptionalBody } from '#shared/http/read-body.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { type ChangeByCallerDeps, changeByCaller } from '../change-by-caller.ts'
import { isEnded } from '../decide/record.ts'
import { requestView } from '../get-request/request-view.ts'

/** `DELETE /v1/requests/:request_id`, and `POST` of its `/cancel` with a reason: what runs is cancelled, nothing more is started. */
export function cancelRequestRoutes(router: Router, deps: ChangeByCallerDeps): void {
  const cancel = async (ctx: AppContext, reason = 'It was asked for.') => {
    const { record } = await changeByCaller(deps, ctx.params['request_id'] ?? '', changeInfo(ctx), {
      wish: { kind: 'cancel', reason },
      isAllowed: (before) => !isEnded(before),
      isDone: ({ status }) => status === 'cancelled',
      refusal: 'there is nothing left to cancel',
    })
    ctx.body = requestView(record)
  }
  router.delete('/v1/requests/:request_id', (ctx) => cancel(ctx))
  router.post('/v1/requests/:request_id/cancel', async (ctx) =>
    cancel(ctx, (await readOptionalBody(ctx, cancelRequestBodySchema)).reason),
  )
}
