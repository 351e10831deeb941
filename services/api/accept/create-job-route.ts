import { readIdempotencyKey } from '#shared/accept/idempotency-keys.ts'
import { type CreateJobBody, jobView } from '#shared/contracts/http/jobs.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import type { AppContext } from '#shared/http/app.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { missingMember } from '#shared/http/read-body.ts'
import { requestInfo } from '#shared/http/request-info.ts'
import { honorPreferWaitForEnd, type WaitJobDeps } from '../read/wait-for-job.ts'
import { type CreateJobDeps, createJob } from './create-job.ts'

export interface CreateJobRoutesDeps extends CreateJobDeps {
  wait: WaitJobDeps
  /** The type of a job at the root that names none; null: it must name one. */
  defaultType: string | null
}

/** Registers the routes at the root and under /v1: one code path, with two rules for the type and the cooldown. */
export function createJobRoutes(router: GuardedRouter, deps: CreateJobRoutesDeps): void {
  const create = async (ctx: AppContext, body: CreateJobBody, isAtRoot: boolean) => {
    const { accepted, replayed } = await createJob(deps, {
      body,
      ...requestInfo(ctx),
      idempotencyKey: readIdempotencyKey(ctx.req),
      isAtRoot,
    })
    ctx.set('Location', `${isAtRoot ? '' : '/v1/jobs'}/${accepted.job_id}`)
    if (replayed) ctx.set('Idempotency-Replayed', 'true')
    const ended = await honorPreferWaitForEnd(deps.wait, ctx, { ...accepted, priority: body.priority })
    ctx.status = ended === null ? 201 : 200
    ctx.body = ended === null ? accepted : jobView(ended)
  }
  router.serve(jobOperations.createJobAtRoot, (ctx, { body }) => {
    const type = body.type ?? deps.defaultType
    if (type === null) throw missingMember('/type')
    return create(ctx, { ...body, type }, true)
  })
  router.serve(jobOperations.createJob, (ctx, { body }) => create(ctx, body, false))
}
