import { setMaxListeners } from 'node:events'
import { whyDiskFull } from '#shared/accept/disk-room.ts'
import { Door, type LogLimits, whyLogFull } from '#shared/accept/door.ts'
import { IdempotencyKeys } from '#shared/accept/idempotency-keys.ts'
import { JobTypes, lanesOf } from '#shared/accept/job-types.ts'
import { JobHistory } from '#shared/bus/job-history.ts'
import { Records } from '#shared/bus/records.ts'
import { WorkCaller } from '#shared/bus/work-calls.ts'
import { createGuardedRouter } from '#shared/http/guarded-router.ts'
import { serveHttp } from '#shared/http/serve-http.ts'
import type { Logger } from '#shared/process/logger.ts'
import { ScheduleBook } from '#shared/schedules/schedule-book.ts'
import { SCHEDULE_RECORDS } from '#shared/schedules/schedule-records.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import type { Running } from '#shared/service/run-service.ts'
import { describeLag } from '#shared/service/store-lag.ts'
import { openJobStore } from '#shared/stores/jobs/open-job-store.ts'
import { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import type { Clock } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import type { ApiConfig } from './config.ts'
import { dashboardRoutes } from './dashboard/dashboard-route.ts'
import { describeApiRoutes } from './describe-api/describe-api-route.ts'
import { EventStreams } from './events/server-sent-events.ts'
import { forwardRoutes } from './forward/forward-route.ts'
import { jobRoutes } from './job-routes.ts'
import { messageRoutes } from './messages/message-routes.ts'
import { createApiMetrics } from './metrics.ts'
import { healthRoutes } from './overview/health-route.ts'
import { findJob } from './read/get-job.ts'
import { calendarRoutes } from './schedules/calendar-route.ts'
import { scheduleRoutes } from './schedules/schedules-route.ts'
import { issuingFrom } from './tokens/issue-token.ts'
import { issueTokenRoutes } from './tokens/issue-token-route.ts'
import { showCallerRoutes } from './tokens/show-caller-route.ts'
import { typeRoutes } from './types/types-route.ts'
import { workRoutes } from './work/work-route.ts'

/** Starts the api, which answers callers and keeps nothing: work that time or the log demands is the keeper's. */
export async function startApi(base: ServiceBase<ApiConfig>): Promise<Running> {
  const { config, broker, clock, log, life } = base
  const history = new JobHistory(base)
  const { store, view } = await openStore(base)
  const metrics = createApiMetrics(base.registry)
  const limits = { maxBytes: config.LOG_MAX_BYTES, maxJobs: config.LOG_MAX_JOBS }
  const whyNoRoom = () => whyDiskFull(config.DATA_DIR)
  const admission = await openAdmission(base, limits, whyNoRoom)
  const waiters = openWaiters(clock)
  const jobs = {
    ...base,
    history,
    ...admission,
    ...waiters,
    store,
    view,
    jobExists: async (jobId: string) => (await findJob({ ...base, history, store, view }, jobId)) !== null,
    callbacks: { enabled: config.CALLBACKS, trustedHosts: config.OUTBOUND_TRUSTED_HOSTS },
    cooldownMs: config.COOLDOWN_MS,
    defaultType: config.DEFAULT_JOB_TYPE === 'none' ? null : config.DEFAULT_JOB_TYPE,
    created: metrics.created,
  }
  const schedules = { ...jobs, ...openSchedules(base) }

  const workCaller = new WorkCaller(broker, base.replicaId)
  life.onStop(() => workCaller.close())

  const router = createGuardedRouter(config, clock, log)
  // First, because `/docs` and `/ui` would otherwise match a job's address.
  describeApiRoutes(router)
  dashboardRoutes(router)
  issueTokenRoutes(router, { issuing: issuingFrom(config), clock, log })
  showCallerRoutes(router)
  jobRoutes(router, jobs)
  typeRoutes(router, jobs)
  workRoutes(router, { broker, clock, caller: workCaller })
  forwardRoutes(router, { config, log })
  // First, because it would otherwise be a schedule's address.
  calendarRoutes(router, schedules)
  scheduleRoutes(router, schedules)
  healthRoutes(router, { ...base, view, limits })
  await messageRoutes(router, base, { whyNoRoom, accepted: metrics.messages })

  const port = await serveHttp(base, router)
  life.onStop(() => {
    waiters.end()
    workCaller.endClaims()
  })
  life.onStop(() => broker.closeIfAway())
  log.info({ port }, 'api is ready')
  return { port }
}

type Base = ServiceBase<ApiConfig>

/** Opens the store, and follows how far it is. */
async function openStore({ config, clock, log, life, health }: Base) {
  const store = await openJobStore(config)
  life.onEnd(() => store.close())
  const view = new ProjectionView(store)
  // A failure is logged by the loop.
  await view.refresh().catch(() => null)
  await life.start(followCheckpoint(view, log))
  health.addCheck('store', async () => {
    await store.ping()
    if (view.generation === 0) throw new Error('no keeper has started to apply the log')
  })
  health.addDetail('store_lag', () => {
    const lagMs = view.asOf === null ? null : clock.now() - Date.parse(view.asOf)
    return describeLag(lagMs, config.STORE_LAG_MAX_MS)
  })
  return { store, view }
}

/** Follows how far the store is, by reading its checkpoint twice a second. */
function followCheckpoint(view: ProjectionView, log: Logger): IntervalLoop {
  return new IntervalLoop(
    CHECKPOINT_EVERY_MS,
    async () => void (await view.refresh()),
    (error) => log.warn({ err: error }, 'could not read the checkpoint of the store, will retry'),
  )
}

const CHECKPOINT_EVERY_MS = 500

/** Opens the checks of new work: whether it may come in, of which types, and whether it came in before. */
async function openAdmission(base: Base, limits: LogLimits, whyNoRoom: () => Promise<string | null>) {
  const { broker, stream, clock, log, life } = base
  const types = new JobTypes(lanesOf(broker), clock, log)
  const door = new Door({
    whyFull: async () => whyLogFull(await stream.state(), limits),
    isBrokerUp: () => broker.isUp(),
    whyNoRoom,
    log,
  })
  base.health.addDetail('new_jobs', () => door.whyShut ?? 'ok')
  const keys = new IdempotencyKeys(base)
  for (const each of [types, door, keys]) await life.start(each)
  return { types, door, keys }
}

/** Callers that wait for an answer: when this replica stops, they are answered with the current state. */
function openWaiters(clock: Clock) {
  const streams = new EventStreams(clock)
  const stopping = new AbortController()
  // Every waiting caller listens to it.
  setMaxListeners(0, stopping.signal)
  return {
    streams,
    stopping: stopping.signal,
    waiting: { count: 0 },
    end() {
      stopping.abort()
      streams.stop()
    },
  }
}

function openSchedules({ broker, clock, probe, log, life }: Base) {
  const records = new Records(SCHEDULE_RECORDS, { broker, clock, probe })
  life.onStop(() => records.close())
  return { records, book: new ScheduleBook(records, log) }
}
