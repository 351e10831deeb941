import type Router from '@koa/router'
import { maySee } from '#shared/auth/caller.ts'
import { noParameters } from '#shared/contracts/http/query.ts'
import {
  type DefinitionList,
  type DefinitionSummary,
  type DefinitionView,
  definitionOwnerQuerySchema,
  definitionQuerySchema,
  putDefinitionBodySchema,
} from '#shared/contracts/http/request-list.ts'
import { PLAN_BODY_MAX_MEMBERS } from '#shared/contracts/http/requests.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { readBody } from '#shared/http/read-body.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { tenantMeant } from '#shared/http/tenant-meant.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { DefinitionKey, DefinitionRecord } from './definition-records.ts'
import { type PutDefinitionDeps, putDefinition } from './put-definition.ts'

export interface DefinitionRoutesDeps extends PutDefinitionDeps {
  log: Logger
}

const PATH = '/v1/definitions'

/** `GET /v1/definitions`; `PUT`, `GET`, `DELETE /v1/definitions/:name`. */
export function definitionRoutes(router: Router, deps: DefinitionRoutesDeps): void {
  const { definitions, log } = deps
  router.get(PATH, async (ctx: AppContext) => {
    readQuery(ctx, noParameters)
    const visible = (await definitions.all()).filter(({ tenant }) => maySee(callerOf(ctx), tenant))
    ctx.set('Cache-Control', 'no-store')
    ctx.body = {
      items: visible.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(summaryView),
    } satisfies DefinitionList
  })
  router.put(`${PATH}/:name`, async (ctx: AppContext) => {
    const { steps } = await readBody(ctx, putDefinitionBodySchema, PLAN_BODY_MAX_MEMBERS)
    const { definition, isNew } = await putDefinition(
      deps,
      keyOf(ctx, readQuery(ctx, definitionOwnerQuerySchema)),
      steps,
    )
    const { name, version } = definition
    if (isNew) log.info({ definition: name, version }, 'definition changed')
    ctx.status = isNew ? 201 : 200
    ctx.body = definitionView(definition)
  })
  router.get(`${PATH}/:name`, async (ctx: AppContext) => {
    const query = readQuery(ctx, definitionQuerySchema)
    const definition = await definitions.read(keyOf(ctx, query), query.version)
    if (definition === null) throw notFound()
    ctx.set('Cache-Control', 'no-store')
    ctx.body = definitionView(definition)
  })
  router.delete(`${PATH}/:name`, async (ctx: AppContext) => {
    const key = keyOf(ctx, readQuery(ctx, definitionOwnerQuerySchema))
    if (!(await definitions.remove(key))) throw notFound()
    log.info({ definition: key.name }, 'definition deleted')
    ctx.status = 204
  })
}

const keyOf = (ctx: AppContext, { tenant }: { tenant?: string | undefined }): DefinitionKey => ({
  tenant: tenantMeant(callerOf(ctx), tenant),
  name: ctx.params['name'] ?? '',
})

const summaryView = ({ name, tenant, version, created_at }: DefinitionRecord): DefinitionSummary => ({
  name,
  ...tenantMember(tenant),
  version,
  created_at,
})

const definitionView = (record: DefinitionRecord): DefinitionView => ({ ...summaryView(record), steps: record.steps })

const notFound = (): AppError =>
  new AppError('definition-not-found', 'There is no definition with this name, or not in this version.')
