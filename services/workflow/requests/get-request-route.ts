import type { JobHistory } from '#shared/bus/job-history.ts'
import { requestOperations } from '#shared/contracts/http/operations/requests.ts'
import { callerOf } from '#shared/http/authenticate.ts'
import { matchesEtag } from '#shared/http/etag.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { type FindRequestDeps, getRequest } from './find-request.ts'
import { requestView } from './request-view.ts'
import { runningJobs } from './running-jobs.ts'

export interface GetRequestDeps extends FindRequestDeps {
  /** Histories in the log of jobs. */
  history: Pick<JobHistory, 'all'>
}

export function getRequestRoutes(router: GuardedRouter, deps: GetRequestDeps): void {
  router.serve(requestOperations.getRequest, async (ctx, { params }) => {
    const { seq, record } = await getRequest(deps, params.request_id, callerOf(ctx))
    const running = await runningJobs(deps.history, record)
    // The view changes with the record, and with every event of a running job.
    const etag = `"${[
      seq,
      ...[...running.values()]
        .map((job) => job.seq)
        .toSorted((a, b) => a - b)
        .slice(-1),
    ].join('-')}"`
    ctx.set('Cache-Control', 'no-cache')
    ctx.set('ETag', etag)
    if (matchesEtag(ctx.get('if-none-match'), etag)) {
      ctx.status = 304
      return
    }
    ctx.body = requestView(record, running)
  })
}
