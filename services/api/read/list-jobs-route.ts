import type { JobList, ListJobsQuery } from '#shared/contracts/http/job-list.ts'
import { jobSummaryView } from '#shared/contracts/http/jobs.ts'
import { jobOperations } from '#shared/contracts/http/operations/jobs.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type StoreAgeDeps, storeAge } from '#shared/read-store/store-age.ts'
import { type ListJobsDeps, listJobs } from './list-jobs.ts'

export function listJobsRoutes(router: GuardedRouter, deps: ListJobsDeps & StoreAgeDeps): void {
  router.serve(jobOperations.listJobs, async (ctx, { query }) => {
    const age = await storeAge(deps)
    const { jobs, nextCursor, scannedTo } = await listJobs(deps, query, callerOf(ctx))
    ctx.set('Cache-Control', 'no-cache')
    if (nextCursor !== null) ctx.set('Link', `<${addressOf({ ...query, cursor: nextCursor })}>; rel="next"`)
    const items = jobs.map(jobSummaryView)
    ctx.body = { ...age, items, next_cursor: nextCursor, scanned_to: scannedTo } satisfies JobList
  })
}

/**
 * The address of a page, built from the parsed query and not from the sent text: endlessly repeated statuses would not
 * fit into a header.
 */
function addressOf({ status, payload = {}, ...rest }: ListJobsQuery): string {
  const parameters = new URLSearchParams()
  if (status !== undefined) parameters.set('status', [...new Set(status)].join(','))
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) parameters.set(name, String(value))
  for (const [pointer, value] of Object.entries(payload)) parameters.set(`payload${pointer}`, String(value))
  return `${jobOperations.listJobs.path}?${parameters.toString()}`
}
