import type Router from '@koa/router'
import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { createRequestBodySchema, PLAN_BODY_MAX_MEMBERS } from '#shared/contracts/http/requests.ts'
import type { AppContext } from '#shared/http/app.ts'
import { readBody } from '#shared/http/read-body.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { requestView } from '../get-request/request-view.ts'
import { type CreateRequestDeps, createRequest } from './create-request.ts'

/** `POST /v1/requests`. */
export function createRequestRoutes(router: Router, deps: CreateRequestDeps): void {
  router.post('/v1/requests', async (ctx: AppContext) => {
    const idempotencyKey = readIdempotencyKey(ctx.req)
    const body = await readBody(ctx, createRequestBodySchema, PLAN_BODY_MAX_MEMBERS)
    const { stored, replayed } = await createRequest(deps, { body, ...requestInfo(ctx), idempotencyKey })
    ctx.set('Location', `/v1/requests/${stored.record.request_id}`)
    if (replayed && idempotencyKey !== null) ctx.set('Idempotency-Replayed', 'true')
    ctx.status = 201
    ctx.body = requestView(stored.record)
  })
}
