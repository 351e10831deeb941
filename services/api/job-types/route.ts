import type Router from '@koa/router'
import type { Broker } from '#shared/bus/connection.ts'
import { setConcurrency, setPaused } from '#shared/bus/lanes/change-lanes.ts'
import { tellLanesChanged } from '#shared/bus/lanes/lane-changes.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { noParameters } from '#shared/contracts/http/query.ts'
import { changeTypeBodySchema, type TypeView } from '#shared/contracts/http/types.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { readBody } from '#shared/http/read-body.ts'
import { readQuery } from '#shared/http/read-query.ts'
import type { Logger } from '#shared/process/logger.ts'
import { typeViews } from './type-views.ts'

export interface TypeRoutesDeps {
  broker: Broker
  log: Logger
}

/** `GET /v1/types`, `GET` and `PATCH /v1/types/:type`, and `POST /v1/types/:type/pause` and `/resume`. */
export function typeRoutes(router: Router, { broker, log }: TypeRoutesDeps): void {
  router.get('/v1/types', async (ctx) => {
    readQuery(ctx, noParameters)
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { items: await readTypes(broker) }
  })
  router.get('/v1/types/:type', async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = await readType(broker, ctx.params['type'] ?? '')
  })
  router.patch('/v1/types/:type', async (ctx) => {
    const { concurrency } = await readBody(ctx, changeTypeBodySchema)
    const { type, policy, payload_schema } = await readType(broker, ctx.params['type'] ?? '')
    await changing(() => setConcurrency(broker, { type, policy, payload_schema }, concurrency))
    tellLanesChanged(broker, type)
    log.info({ type, concurrency }, 'the concurrency of a type was changed')
    ctx.body = await readType(broker, type)
  })
  for (const verb of ['pause', 'resume'] as const) {
    router.post(`/v1/types/:type/${verb}`, async (ctx) => {
      const { type } = await readType(broker, ctx.params['type'] ?? '')
      await changing(() => setPaused(broker, type, verb === 'pause'))
      if (verb === 'resume') tellLanesChanged(broker, type)
      log.info({ type, verb }, 'a type was paused or resumed')
      ctx.body = await readType(broker, type)
    })
  }
}

const changing = (change: () => Promise<void>): Promise<void> =>
  change().catch((error: unknown) => {
    throw unavailable('The broker did not make this change, or not all of it: repeat the request.', error)
  })

async function readTypes(broker: Broker): Promise<TypeView[]> {
  try {
    return typeViews(await listLanes(broker))
  } catch (error) {
    throw unavailable('The job types cannot be read from the broker.', error)
  }
}

async function readType(broker: Broker, type: string): Promise<TypeView> {
  const found = (await readTypes(broker)).find((view) => view.type === type)
  if (found === undefined) throw new AppError('unknown-type', 'There is no such job type.', { status: 404 })
  return found
}
