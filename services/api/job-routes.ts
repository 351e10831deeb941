import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { askWorkers, lookForWorkers } from '#shared/bus/presence.ts'
import type { GuardedRouter } from '#shared/http/guarded-router.ts'
import { readLanes } from '#shared/read-store/read-lanes.ts'
import { createBatchRoutes } from './accept/create-batch-route.ts'
import type { CreateJobDeps } from './accept/create-job.ts'
import { type CreateJobRoutesDeps, createJobRoutes } from './accept/create-job-route.ts'
import { cancelJobRoutes } from './change/cancel-job-route.ts'
import { cancelJobsRoutes } from './change/cancel-jobs-route.ts'
import { redriveJobsRoutes } from './change/redrive-jobs-route.ts'
import { rescheduleJobRoutes } from './change/reschedule-job-route.ts'
import { retryJobRoutes } from './change/retry-job-route.ts'
import { type FollowEventsDeps, followEventsRoutes } from './events/follow-events-route.ts'
import { listErrorsRoutes } from './overview/list-errors-route.ts'
import { liveRoutes } from './overview/live-route.ts'
import { seriesRoutes } from './overview/series-route.ts'
import { countJobsRoutes } from './read/count-jobs-route.ts'
import { explainJobRoutes } from './read/explain-job-route.ts'
import { getJobRoutes } from './read/get-job-route.ts'
import { listJobsRoutes } from './read/list-jobs-route.ts'
import type { WaitJobDeps } from './read/wait-for-job.ts'

export type JobRoutesDeps = CreateJobDeps & WaitJobDeps & FollowEventsDeps & Pick<CreateJobRoutesDeps, 'defaultType'>

/**
 * Registers `/`, `/:job_id`, everything under /v1/jobs, and the routes about many jobs: /v1/events, /v1/stats,
 * /v1/series, /v1/live, /v1/errors, /v1/cancel, /v1/redrive.
 */
export function jobRoutes(router: GuardedRouter, deps: JobRoutesDeps): void {
  const { broker } = deps
  createJobRoutes(router, { ...deps, wait: deps })
  createBatchRoutes(router, deps)
  // First, because `/v1/jobs/count` would otherwise match a job's address.
  countJobsRoutes(router, deps)
  getJobRoutes(router, deps)
  followEventsRoutes(router, deps)
  listJobsRoutes(router, deps)
  seriesRoutes(router, deps)
  liveRoutes(router, { ...deps, listLanes: () => readLanes(deps), lookForWorkers: () => lookForWorkers(broker) })
  listErrorsRoutes(router, deps)
  cancelJobRoutes(router, deps)
  cancelJobsRoutes(router, deps)
  rescheduleJobRoutes(router, deps)
  retryJobRoutes(router, deps)
  redriveJobsRoutes(router, deps)
  explainJobRoutes(router, {
    ...deps,
    listLanes: () => listLanes(broker),
    askWorkers: (waitMs, isEnough) => askWorkers(broker, { waitMs, isEnough }),
  })
}
