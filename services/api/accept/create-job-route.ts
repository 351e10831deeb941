import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { type CreateJobBody, jobView } from '#shared/contracts/http/jobs.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { AppContext } from '#shared/http/app.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { honorPreferWaitForEnd, type WaitJobDeps } from '../read/wait-for-job.ts'
import { type CreateJobDeps, createJob } from './create-job.ts'

/** Registers the routes at the root and under /v1: one code path, two statuses for the cooldown. */
export function createJobRoutes(router: GuardedRouter, deps: CreateJobDeps & { wait: WaitJobDeps }): void {
  const create = async (ctx: AppContext, body: CreateJobBody, base: string, cooldownStatus: 400 | 409) => {
    const { accepted, replayed } = await createJob(deps, {
      body,
      ...requestInfo(ctx),
      idempotencyKey: readIdempotencyKey(ctx.req),
      cooldownStatus,
    })
    ctx.set('Location', `${base}/${accepted.job_id}`)
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    const ended = await honorPreferWaitForEnd(deps.wait, ctx, { ...accepted, priority: body.priority })
    ctx.status = ended === null ? 201 : 200
    ctx.body = ended === null ? accepted : jobView(ended)
  }
  router.serve(jobOperations.createJobAtRoot, (ctx, { body }) => create(ctx, body, '', 400))
  router.serve(jobOperations.createJob, (ctx, { body }) => create(ctx, body, '/v1/jobs', 409))
}
