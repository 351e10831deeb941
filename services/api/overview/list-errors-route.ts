import { overviewOperations } from '#shared/contracts/http/operations/overview.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { effectiveTenant } from '#shared/http/effective-tenant.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type ListErrorsDeps, listErrors } from './list-errors.ts'

export function listErrorsRoutes(router: GuardedRouter, deps: ListErrorsDeps): void {
  router.serve(overviewOperations.listErrors, async (ctx, { query: { tenant, ...query } }) => {
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = await listErrors(deps, query, effectiveTenant(callerOf(ctx), tenant))
  })
}
