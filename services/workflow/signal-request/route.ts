import type Router from '@koa/router'
import { signalRequestBodySchema } from '#shared/contracts/http/request-list.ts'
import { EXTRAS_MAX_BYTES, nameSchema } from '#shared/contracts/http/requests.ts'
import type { AppContext } from '#shared/http/app.ts'
import { readOptionalBody } from '#shared/http/read-body.ts'
import { badParameters } from '#shared/http/read-query.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { type ChangeByCallerDeps, changeByCaller } from '../change-by-caller.ts'
import { checkValues } from '../check-plan/check-plan.ts'
import { isEnded } from '../decide/record.ts'
import { requestView } from '../get-request/request-view.ts'

/** `POST /v1/requests/:request_id/signals/:name`: also before its step is reached; the same once more changes nothing. */
export function signalRequestRoutes(router: Router, deps: ChangeByCallerDeps): void {
  router.post('/v1/requests/:request_id/signals/:name', async (ctx: AppContext) => {
    const { request_id: requestId = '', name = '' } = ctx.params
    const { extras } = await readOptionalBody(ctx, signalRequestBodySchema)
    if (!nameSchema.safeParse(name).success) throw badParameters([{ parameter: 'name', detail: 'is no name' }])
    checkValues({ params: {}, extras })
    const { record } = await changeByCaller(deps, requestId, changeInfo(ctx), {
      wish: { kind: 'signal', name, extras },
      isAllowed: (before) => {
        if (!before.plan.some(({ signal }) => signal === name))
          throw badParameters([{ parameter: 'name', detail: 'is no signal that a step of this request waits for' }])
        return !isEnded(before)
      },
      isDone: ({ signals }) => signals.includes(name),
      refusal: `it waits for no signal any more, or its extras would have more than ${EXTRAS_MAX_BYTES} bytes`,
    })
    ctx.body = requestView(record)
  })
}
