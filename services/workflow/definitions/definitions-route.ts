import { maySee } from '#shared/auth/caller.ts'
import { definitionOperations } from '#shared/contracts/http/operations/requests.ts'
import type { DefinitionList, DefinitionSummary, DefinitionView } from '#shared/contracts/http/request-list.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { effectiveTenant } from '#shared/http/effective-tenant.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { DefinitionKey, DefinitionRecord } from './definition-records.ts'
import { type PutDefinitionDeps, putDefinition } from './put-definition.ts'

export interface DefinitionRoutesDeps extends PutDefinitionDeps {
  log: Logger
}

export function definitionRoutes(router: GuardedRouter, deps: DefinitionRoutesDeps): void {
  const { definitions, log } = deps
  router.serve(definitionOperations.listDefinitions, async (ctx) => {
    const visible = (await definitions.all()).filter(({ tenant }) => maySee(callerOf(ctx), tenant))
    ctx.set('Cache-Control', 'no-store')
    ctx.body = {
      items: visible.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(summaryView),
    } satisfies DefinitionList
  })
  router.serve(definitionOperations.putDefinition, async (ctx, { body: { steps }, ...address }) => {
    const { definition, isNew } = await putDefinition(deps, keyOf(ctx, address), steps)
    const { name, version } = definition
    if (isNew) log.info({ definition: name, version }, 'definition changed')
    ctx.status = isNew ? 201 : 200
    ctx.body = definitionView(definition)
  })
  router.serve(definitionOperations.getDefinition, async (ctx, address) => {
    const definition = await definitions.read(keyOf(ctx, address), address.query.version)
    if (definition === null) throw notFound()
    ctx.set('Cache-Control', 'no-store')
    ctx.body = definitionView(definition)
  })
  router.serve(definitionOperations.deleteDefinition, async (ctx, address) => {
    const key = keyOf(ctx, address)
    if (!(await definitions.remove(key))) throw notFound()
    log.info({ definition: key.name }, 'definition deleted')
    ctx.status = 204
  })
}

const keyOf = (
  ctx: AppContext,
  { params, query }: { params: { name: string }; query: { tenant?: string | undefined } },
): DefinitionKey => ({ tenant: effectiveTenant(callerOf(ctx), query.tenant), name: params.name })

const summaryView = ({ name, tenant, version, created_at }: DefinitionRecord): DefinitionSummary => ({
  name,
  ...tenantMember(tenant),
  version,
  created_at,
})

const definitionView = (record: DefinitionRecord): DefinitionView => ({ ...summaryView(record), steps: record.steps })

const notFound = (): AppError => new AppError('definition-not-found', 'No definition has this name and version.')
