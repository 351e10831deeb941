import { nameSchema } from '#shared/contracts/http/names.ts'
import { requestOperations } from '#shared/contracts/http/operations/requests.ts'
import { EXTRAS_MAX_BYTES } from '#shared/contracts/http/requests.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { badParameters } from '#shared/http/read-query.ts'
import { changeInfo } from '#shared/http/request-info.ts'
import { checkValues } from '../check-plan/check-plan.ts'
import { isEnded } from '../decide/record.ts'
import { type ChangeByCallerDeps, changeByCaller } from './change-by-caller.ts'
import { requestView } from './request-view.ts'

/** Registers the signals. A signal may come before its step is reached; a repeat changes nothing. */
export function signalRequestRoutes(router: GuardedRouter, deps: ChangeByCallerDeps): void {
  router.serve(requestOperations.signalRequest, async (ctx, { params, body: { extras } }) => {
    const { request_id: requestId, name } = params
    if (!nameSchema.safeParse(name).success)
      throw badParameters([
        {
          parameter: 'name',
          detail: 'must be 1 to 64 characters from A-Z a-z 0-9 . _ - and begin with a letter or digit',
        },
      ])
    checkValues({ params: {}, extras })
    const { record } = await changeByCaller(deps, requestId, changeInfo(ctx), {
      command: { kind: 'signal', name, extras },
      isAllowed: (before) => {
        const names = before.plan.flatMap(({ signal }) => signal ?? [])
        if (!names.includes(name))
          throw badParameters([
            { parameter: 'name', detail: `is not a signal of this request: ${names.join(', ') || 'it has none'}` },
          ])
        return !isEnded(before)
      },
      isDone: ({ signals }) => signals.includes(name),
      refusal: `it no longer waits for this signal, or its extras would exceed ${EXTRAS_MAX_BYTES} bytes`,
    })
    ctx.body = requestView(record)
  })
}
