import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import { typeOperations } from '#shared/contracts/http/operations/types.ts'
import type { TypeView } from '#shared/contracts/http/types.ts'
import type { JobTypeInfo } from '#shared/contracts/log/job-type.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import type { Logger } from '#shared/service/logger.ts'
import { typeViews } from './type-views.ts'

export interface TypeRoutesDeps {
  listLanes(): Promise<LaneInfo[]>
  setPaused(type: string, isPaused: boolean): Promise<void>
  setConcurrency(info: JobTypeInfo, concurrency: number | null): Promise<void>
  /** Called when what waits may run. */
  tellChanged(type: string): void
  log: Logger
}

export function typeRoutes(router: GuardedRouter, deps: TypeRoutesDeps): void {
  router.serve(typeOperations.listTypes, async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { items: await readTypes(deps) }
  })
  router.serve(typeOperations.getType, async (ctx, { params }) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await readType(deps, params.type)
  })
  router.serve(typeOperations.changeType, async (ctx, { params, body: { concurrency } }) => {
    const { type, policy, payload_schema } = await readType(deps, params.type)
    await changing(() => deps.setConcurrency({ type, policy, payload_schema }, concurrency))
    deps.tellChanged(type)
    deps.log.info({ type, concurrency }, 'the concurrency of a type was changed')
    ctx.body = await readType(deps, type)
  })
  for (const verb of ['pause', 'resume'] as const) {
    router.serve(typeOperations[`${verb}Type`], async (ctx, { params }) => {
      const { type } = await readType(deps, params.type)
      await changing(() => deps.setPaused(type, verb === 'pause'))
      if (verb === 'resume') deps.tellChanged(type)
      deps.log.info({ type, verb }, 'a type was paused or resumed')
      ctx.body = await readType(deps, type)
    })
  }
}

const changing = (change: () => Promise<void>): Promise<void> =>
  change().catch((error: unknown) => {
    throw unavailable('The broker may have made only part of this change. Repeat the request.', error)
  })

async function readTypes(deps: TypeRoutesDeps): Promise<TypeView[]> {
  try {
    return typeViews(await deps.listLanes())
  } catch (error) {
    throw unavailable('The broker did not answer about job types. Try again.', error)
  }
}

async function readType(deps: TypeRoutesDeps, type: string): Promise<TypeView> {
  const found = (await readTypes(deps)).find((view) => view.type === type)
  if (found === undefined)
    throw new AppError('unknown-type', 'No job type has this name. GET /v1/types lists all.', { status: 404 })
  return found
}
