import type Router from '@koa/router'
import { checkScope } from '#shared/auth/caller.ts'
import { callerQuerySchema } from '#shared/contracts/auth.ts'
import { readQuery } from '#shared/runtime/read-query.ts'
import type { AppContext } from '../http/app.ts'
import { callerOf } from '../http/authenticate.ts'

/** `GET /v1/caller`: whose token this is. nginx asks it, with what is needed, for the routes that the api does not serve. */
export function showCallerRoutes(router: Router): void {
  router.get('/v1/caller', (ctx: AppContext) => {
    const { needs } = readQuery(ctx, callerQuerySchema)
    const caller = callerOf(ctx)
    if (needs !== undefined) checkScope(caller, needs)
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { subject: caller.subject, scopes: caller.scopes, tenant: caller.tenant }
  })
}
