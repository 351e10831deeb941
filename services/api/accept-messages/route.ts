import type Router from '@koa/router'
import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import type { AppContext } from '#shared/http/app.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { type AcceptMessagesDeps, acceptMessages, checkRoom } from './accept-messages.ts'
import { readMessages } from './read-messages.ts'

/** `POST /message`: all of them or none. */
export function acceptMessagesRoutes(router: Router, deps: AcceptMessagesDeps): void {
  router.post('/message', async (ctx: AppContext) => {
    const idempotencyKey = readIdempotencyKey(ctx.req)
    checkRoom(deps)
    const messages = await readMessages(ctx)
    const { accepted, replayed } = await acceptMessages(deps, { ...requestInfo(ctx), idempotencyKey, messages })
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    ctx.status = 201
    ctx.body = { accepted }
  })
}
