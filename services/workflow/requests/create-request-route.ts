import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { requestOperations } from '#shared/contracts/http/operations/requests.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { type CreateRequestDeps, createRequest } from './create-request.ts'
import { requestView } from './request-view.ts'

export function createRequestRoutes(router: GuardedRouter, deps: CreateRequestDeps): void {
  router.serve(requestOperations.createRequest, async (ctx, { body }) => {
    const idempotencyKey = readIdempotencyKey(ctx.req)
    const { stored, replayed } = await createRequest(deps, { body, ...requestInfo(ctx), idempotencyKey })
    ctx.set('Location', `/v1/requests/${stored.record.request_id}`)
    if (replayed && idempotencyKey !== null) ctx.set('Idempotency-Replayed', 'true')
    ctx.status = 201
    ctx.body = requestView(stored.record)
  })
}
