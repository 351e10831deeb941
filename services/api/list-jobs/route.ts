import type Router from '@koa/router'
import { type JobList, type ListJobsQuery, listJobsQuerySchema } from '#shared/contracts/http/job-list.ts'
import { jobSummaryView } from '#shared/contracts/http/jobs.ts'
import type { AppContext } from '#shared/http/app.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { readQuery } from '#shared/http/read-query.ts'
import { type ListJobsDeps, listJobs } from './list-jobs.ts'

const PATH = '/v1/jobs'

/** `GET /v1/jobs`. */
export function listJobsRoutes(router: Router, deps: ListJobsDeps): void {
  router.get(PATH, async (ctx: AppContext) => {
    const query = readQuery(ctx, listJobsQuerySchema)
    const { jobs, nextCursor } = await listJobs(deps, query, callerOf(ctx))
    ctx.set('Cache-Control', 'no-cache')
    if (nextCursor !== null) ctx.set('Link', `<${addressOf({ ...query, cursor: nextCursor })}>; rel="next"`)
    ctx.body = { items: jobs.map(jobSummaryView), next_cursor: nextCursor } satisfies JobList
  })
}

/** From what was understood, not from what was sent: statuses repeated without end would not fit a header. */
function addressOf({ status, ...rest }: ListJobsQuery): string {
  const parameters = new URLSearchParams()
  if (status !== undefined) parameters.set('status', [...new Set(status)].join(','))
  for (const [name, value] of Object.entries(rest)) if (value !== undefined) parameters.set(name, String(value))
  return `${PATH}?${parameters.toString()}`
}
