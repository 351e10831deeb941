import type { JobTypes } from '#shared/accept/job-types.ts'
import { setConcurrency, setPaused } from '#shared/bus/lanes/change-lanes.ts'
import { tellLanesChanged } from '#shared/bus/lanes/lane-changes.ts'
import { typeOperations } from '#shared/contracts/http/operations/types.ts'
import type { TypeView } from '#shared/contracts/http/types.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { closestWord } from '#shared/formats/closest-word.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type ReadLanesDeps, readLanes } from '#shared/read-store/read-lanes.ts'
import { type DeleteTypeDeps, deleteType } from './delete-type.ts'
import { putType } from './put-type.ts'
import { typeViews } from './type-views.ts'

export interface TypeRoutesDeps extends DeleteTypeDeps {
  types: Pick<JobTypes, 'refresh'>
  log: Logger
}

export function typeRoutes(router: GuardedRouter, deps: TypeRoutesDeps): void {
  const { broker, types, log } = deps
  router.serve(typeOperations.listTypes, async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { items: await readTypes(deps) }
  })
  router.serve(typeOperations.getType, async (ctx, { params }) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await readType(deps, params.type)
  })
  router.serve(typeOperations.putType, async (ctx, { params: { type }, body }) => {
    const isNew = await changing(() => putType(broker, type, body))
    types.refresh()
    log.info({ type, is_new: isNew }, 'type registered for HTTP workers')
    ctx.status = isNew ? 201 : 200
    ctx.body = await readType(deps, type)
  })
  router.serve(typeOperations.deleteType, async (ctx, { params }) => {
    const { type } = await readType(deps, params.type)
    await changing(() => deleteType(deps, type))
    log.info({ type }, 'type removed')
    ctx.status = 204
  })
  router.serve(typeOperations.changeType, async (ctx, { params, body: { concurrency } }) => {
    const { type, policy, payload_schema } = await readType(deps, params.type)
    await changing(() => setConcurrency(broker, { type, policy, payload_schema }, concurrency))
    log.info({ type, concurrency }, 'concurrency limit of a type changed')
    ctx.body = await readType(deps, type)
  })
  for (const verb of ['pause', 'resume'] as const) {
    router.serve(typeOperations[`${verb}Type`], async (ctx, { params }) => {
      const { type } = await readType(deps, params.type)
      await changing(() => setPaused(broker, type, verb === 'pause'))
      if (verb === 'resume') tellLanesChanged(broker, type)
      log.info({ type, verb }, 'type paused or resumed')
      ctx.body = await readType(deps, type)
    })
  }
}

const changing = <T>(change: () => Promise<T>): Promise<T> =>
  change().catch((error: unknown) => {
    if (error instanceof AppError) throw error
    throw unavailable('The broker may have made only part of this change. Repeat the request.', error)
  })

async function readTypes(deps: ReadLanesDeps): Promise<TypeView[]> {
  try {
    return typeViews(await readLanes(deps))
  } catch (error) {
    throw unavailable('The broker did not answer about job types. Try again.', error)
  }
}

async function readType(deps: ReadLanesDeps, type: string): Promise<TypeView> {
  const all = await readTypes(deps)
  const found = all.find((view) => view.type === type)
  if (found !== undefined) return found
  const meant = closestWord(
    type,
    all.map((view) => view.type),
  )
  const guess = meant === null ? '' : ` Did you mean "${meant}"?`
  throw new AppError('unknown-type', `No job type has this name.${guess} GET /v1/types lists all.`, { status: 404 })
}
