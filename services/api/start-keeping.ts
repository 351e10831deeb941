import type { LogLimits } from '#shared/accept/door.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import type { ApiConfig } from './config.ts'
import { openHouse } from './keep-house/open-house.ts'
import type { ApiMetrics } from './metrics.ts'
import { Projection } from './project-events/projection.ts'
import type { ProjectionView } from './project-events/projection-view.ts'
import { ScheduleLoop, type ScheduleLoopDeps } from './schedules/schedule-loop.ts'
import { sendCallbacks } from './send-callbacks/send-callbacks.ts'

export interface KeepingDeps {
  history: JobHistory
  store: JobStore
  view: ProjectionView
  limits: LogLimits
  metrics: ApiMetrics
  /** What the jobs of schedules are made with. */
  schedules: Omit<ScheduleLoopDeps, 'isBrokerUp'>
}

/**
 * What no caller asks for and time and the log demand: the log is folded into the store, ends are called back, the log
 * is trimmed and stuck jobs are woken, and schedules are ticked. Every replica runs it; at most one owns the projection.
 */
export async function startKeeping(base: ServiceBase<ApiConfig>, deps: KeepingDeps): Promise<void> {
  const { broker, clock, log, life } = base
  const { history, metrics, schedules } = deps
  const projection = new Projection({
    ...base,
    ...deps,
    onEnds: (ends) => sendCallbacks({ history, clock, log }, ends),
    unreadable: metrics.unreadable,
    lag: metrics.lag,
  })
  await life.start(projection)
  const readLanes = () => listLanes(broker)
  await life.start(openHouse({ ...base, ...deps, projection, listLanes: readLanes, woken: metrics.woken }))
  await life.start(new ScheduleLoop({ ...schedules, isBrokerUp: () => broker.isUp() }))
}
