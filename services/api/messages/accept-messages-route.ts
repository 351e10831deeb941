import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { messageOperations } from '#shared/contracts/http/operations/messages.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { type AcceptMessagesDeps, acceptMessages, checkRoom } from './accept-messages.ts'
import { readMessages } from './read-messages.ts'

/** Registers the route that accepts all messages of a request or none. */
export function acceptMessagesRoutes(router: GuardedRouter, deps: AcceptMessagesDeps): void {
  router.serve(messageOperations.sendMessages, async (ctx) => {
    const idempotencyKey = readIdempotencyKey(ctx.req)
    checkRoom(deps)
    const messages = await readMessages(ctx)
    const { accepted, replayed } = await acceptMessages(deps, { ...requestInfo(ctx), idempotencyKey, messages })
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    ctx.status = 201
    ctx.body = { accepted }
  })
}
