import type Router from '@koa/router'
import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { createJobBodySchema, jobView } from '#shared/contracts/http/jobs.ts'
import { noParameters } from '#shared/contracts/http/query.ts'
import type { AppContext } from '#shared/http/app.ts'
import { readBody } from '#shared/http/read-body.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { endAsPreferred, type WaitJobDeps } from '../wait-job/wait-for-job.ts'
import { type CreateJobDeps, createJob } from './create-job.ts'

/** `POST /` and `POST /v1/jobs`: one code path, two statuses for the cooldown. */
export function createJobRoutes(router: Router, deps: CreateJobDeps & { wait: WaitJobDeps }): void {
  const handle = async (ctx: AppContext, base: string, cooldownStatus: 400 | 409) => {
    const idempotencyKey = readIdempotencyKey(ctx.req)
    const body = await readBody(ctx, createJobBodySchema)
    const { accepted, replayed } = await createJob(deps, {
      body,
      ...requestInfo(ctx),
      idempotencyKey,
      cooldownStatus,
    })
    ctx.set('Location', `${base}/${accepted.job_id}`)
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    const ended = await endAsPreferred(deps.wait, ctx, { ...accepted, priority: body.priority })
    ctx.status = ended === null ? 201 : 200
    ctx.body = ended === null ? accepted : jobView(ended)
  }
  router.post('/', (ctx) => handle(ctx, '', 400))
  router.post('/v1/jobs', (ctx) => {
    readQuery(ctx, noParameters)
    return handle(ctx, '/v1/jobs', 409)
  })
}
