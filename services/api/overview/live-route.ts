import { overviewOperations } from '#shared/contracts/http/operations/overview.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { effectiveTenant } from '#shared/http/effective-tenant.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type EventStreams, wantsStream } from '../events/server-sent-events.ts'
import { LiveFold, type LiveFoldDeps } from './live-fold.ts'

export interface LiveRoutesDeps extends LiveFoldDeps {
  streams: EventStreams
  /** Aborts when this replica stops. */
  stopping: AbortSignal
}

export function liveRoutes(router: GuardedRouter, deps: LiveRoutesDeps): void {
  const fold = new LiveFold(deps)
  router.serve(overviewOperations.getLive, async (ctx, { query }) => {
    const tenant = effectiveTenant(callerOf(ctx), query.tenant)
    if (wantsStream(ctx)) {
      deps.streams.answer(ctx, (signal) => fold.follow(tenant, signal))
      return
    }
    const digest = await fold.next(tenant, deps.stopping)
    if (digest === null) throw unavailable('This replica stops. Try again.')
    ctx.set('Cache-Control', 'no-store')
    ctx.body = digest
  })
}
