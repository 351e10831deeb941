import { overviewOperations } from '#shared/contracts/http/operations/overview.ts'
import type { Series } from '#shared/contracts/http/series.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { effectiveTenant } from '#shared/http/effective-tenant.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type StoreAgeDeps, storeAge } from '#shared/read-store/store-age.ts'
import { type ReadSeriesDeps, readSeries } from './read-series.ts'

export function seriesRoutes(router: GuardedRouter, deps: ReadSeriesDeps & StoreAgeDeps): void {
  router.serve(overviewOperations.getSeries, async (ctx, { query }) => {
    const tenant = effectiveTenant(callerOf(ctx), query.tenant)
    const { as_of: asOf } = await storeAge(deps)
    ctx.set('Cache-Control', 'no-cache')
    ctx.body = (await readSeries(deps, query, { tenant, asOf })) satisfies Series
  })
}
