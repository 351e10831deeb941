import type { ServiceBase } from '#shared/service/base.ts'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'
import { isoTime } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import type { WorkflowConfig } from './config.ts'
import { createJobEnds } from './engine/job-ends.ts'
import { PickUpTimes } from './engine/pick-up-times.ts'
import { createRequestChanges, type RequestChangesDeps } from './engine/request-changes.ts'
import type { StoredRequest } from './engine/request-records.ts'
import { TaskJobs } from './engine/task-jobs.ts'
import { toRow } from './requests/request-row.ts'

export type EngineDeps = Omit<RequestChangesDeps, 'broker' | 'taskJobs' | 'times' | 'advancesImmediately'> & {
  store: RequestStore
}

export interface Engine {
  advancesImmediately: boolean
  startsAtOnce: boolean
  /** Carries out a caller's change at once; if that fails, the record's own delivery does it. */
  runEffects: (stored: StoredRequest) => Promise<void>
}

const DELETED_AT_ONCE = 1_000

/**
 * Starts the engine that carries requests out: it follows their changes and the ends of their jobs, and deletes old
 * requests.
 */
export async function startEngine(base: ServiceBase<WorkflowConfig>, deps: EngineDeps): Promise<Engine> {
  const { config, log, life } = base
  const times = {
    newRequests: new PickUpTimes(config.WRK_REQUEST_NEW_CRON),
    inProgress: new PickUpTimes(config.WRK_REQUEST_INPROGRESS_CRON),
    jobs: new PickUpTimes(config.WRK_JOB_CRON),
  }
  const advancesImmediately = times.inProgress.isAtOnce
  const jobsAtOnce = times.jobs.isAtOnce
  const startsAtOnce = config.WRK_ENABLED && times.newRequests.isAtOnce
  const own = { ...base, ...deps, advancesImmediately }
  const taskJobs = new TaskJobs(own)
  const loops = [createJobEnds({ ...own, taskJobs, jobsAtOnce }), createRequestChanges({ ...own, taskJobs, times })]
  await life.start(forgetLoop(base, deps.store))
  life.onStop(() => Promise.all(loops.map((loop) => loop.stop())))
  if (config.WRK_ENABLED) for (const loop of loops) loop.start()
  else log.warn('WRK_ENABLED is false: requests are accepted and shown, but none is started')
  return {
    advancesImmediately,
    startsAtOnce,
    runEffects: async (stored) => {
      try {
        // Where nothing is picked up nobody follows the records: store the request here, so that it is listed.
        if (!config.WRK_ENABLED) await deps.store.putNewer([toRow(stored, await deps.generation())])
        await (config.WRK_ENABLED && jobsAtOnce ? taskJobs.reconcile(stored) : taskJobs.reconcileCancelled(stored))
      } catch (error) {
        log.warn({ err: error, request_id: stored.record.request_id }, 'effects deferred to redelivery')
      }
    },
  }
}

function forgetLoop({ config, clock, log }: ServiceBase<WorkflowConfig>, store: RequestStore): IntervalLoop {
  const forget = async () => {
    if (!clock.isTrusted()) return
    await store.deleteEndedBefore(isoTime(clock.now() - config.REQUEST_RETENTION_MS), DELETED_AT_ONCE)
  }
  return new IntervalLoop(config.HOUSEKEEPING_MS, forget, (error) =>
    log.warn({ err: error }, 'could not delete old requests, will retry'),
  )
}
