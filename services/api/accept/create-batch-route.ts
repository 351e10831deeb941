import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { createAll, createEach } from './create-batch.ts'
import type { CreateJobDeps } from './create-job.ts'
import { readBatch } from './read-batch.ts'

/** Registers the route of batches: each job by itself, or with `?atomic=true` all or nothing. */
export function createBatchRoutes(router: GuardedRouter, deps: CreateJobDeps): void {
  router.serve(jobOperations.createJobs, async (ctx, { query: { atomic } }) => {
    const idempotencyKey = readIdempotencyKey(ctx.req)
    deps.door.check()
    const request = { ...requestInfo(ctx), idempotencyKey, entries: await readBatch(ctx) }
    ctx.status = atomic ? 201 : 200
    ctx.body = await (atomic ? createAll : createEach)(deps, request)
  })
}
