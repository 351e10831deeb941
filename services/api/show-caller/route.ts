import type Router from '@koa/router'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'

/** `GET /v1/caller`: whose token this is, and what it allows. */
export function showCallerRoutes(router: Router): void {
  router.get('/v1/caller', (ctx: AppContext) => {
    const { subject, scopes, tenant } = callerOf(ctx)
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { subject, scopes, tenant }
  })
}
