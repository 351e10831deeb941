import type Router from '@koa/router'
import { createJobBodySchema } from '#shared/contracts/http.ts'
import type { AppContext } from '../http/app.ts'
import { readBody } from '../http/read-body.ts'
import { type CreateJobDeps, createJob } from './create-job.ts'
import { readIdempotencyKey } from './idempotency-keys.ts'

/** W3C trace context, version 00; anything else is left out, as the standard asks. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** `POST /` and `POST /v1/jobs`: one code path, two statuses for the cooldown. */
export function createJobRoutes(router: Router, deps: CreateJobDeps): void {
  const handle = async (ctx: AppContext, base: string, cooldownStatus: 400 | 409) => {
    const idempotencyKey = readIdempotencyKey(ctx.req)
    const { accepted, replayed } = await createJob(deps, {
      body: await readBody(ctx, createJobBodySchema),
      requestId: ctx.state.requestId,
      requestIdTrusted: ctx.state.requestIdTrusted,
      idempotencyKey,
      traceparent: TRACEPARENT.test(ctx.get('traceparent')) ? ctx.get('traceparent') : null,
      cooldownStatus,
    })
    ctx.status = 201
    ctx.set('Location', `${base}/${accepted.job_id}`)
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    ctx.body = accepted
  }
  router.post('/', (ctx) => handle(ctx as unknown as AppContext, '', 400))
  router.post('/v1/jobs', (ctx) => handle(ctx as unknown as AppContext, '/v1/jobs', 409))
}
