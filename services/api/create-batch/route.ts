import type Router from '@koa/router'
import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { batchQuerySchema } from '#shared/contracts/http/job-batch.ts'
import type { AppContext } from '#shared/http/app.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import type { CreateJobDeps } from '../create-job/create-job.ts'
import { createAll, createEach } from './create-batch.ts'
import { readBatch } from './read-batch.ts'

/** `POST /v1/jobs/batch`, and with `?atomic=true` all or nothing. */
export function createBatchRoutes(router: Router, deps: CreateJobDeps): void {
  router.post('/v1/jobs/batch', async (ctx: AppContext) => {
    const { atomic } = readQuery(ctx, batchQuerySchema)
    const idempotencyKey = readIdempotencyKey(ctx.req)
    deps.door.check()
    const request = { ...requestInfo(ctx), idempotencyKey, entries: await readBatch(ctx) }
    ctx.status = atomic ? 201 : 200
    ctx.body = await (atomic ? createAll : createEach)(deps, request)
  })
}
