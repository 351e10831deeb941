import { authOperations } from '#shared/contracts/http/operations/auth.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'

export function showCallerRoutes(router: GuardedRouter): void {
  router.serve(authOperations.getCaller, (ctx) => {
    const { subject, scopes, tenant, types } = callerOf(ctx)
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { subject, scopes, tenant, types }
  })
}
