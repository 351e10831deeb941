import { whyDiskFull } from '#shared/accept/disk-room.ts'
import { Door, jobsInLog, whyLogFull } from '#shared/accept/door.ts'
import { JobTypes, lanesOf } from '#shared/accept/job-types.ts'
import { JobHistory } from '#shared/bus/job-history.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { askOpenRequests } from '#shared/bus/open-requests.ts'
import { askWorkers } from '#shared/bus/presence.ts'
import { ConsumerPuller } from '#shared/bus/puller.ts'
import { Records } from '#shared/bus/records.ts'
import { historyFilterById } from '#shared/contracts/log/subjects.ts'
import { type ReadLanesDeps, readLanes } from '#shared/read-store/read-lanes.ts'
import { SCHEDULE_RECORDS } from '#shared/schedules/schedule-records.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import { OpsServer } from '#shared/service/ops-server.ts'
import type { Running } from '#shared/service/run-service.ts'
import { describeLag } from '#shared/service/store-lag.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { openJobStore } from '#shared/stores/jobs/open-job-store.ts'
import { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import { SECOND } from '#shared/time/clock.ts'
import { createArmTimers } from './arm-timers.ts'
import type { KeeperConfig } from './config.ts'
import { readTypeLevels } from './gauges/read-type-levels.ts'
import { type SystemLevels, showGauges } from './gauges/show-gauges.ts'
import { openHousekeeping } from './housekeeping/open-housekeeping.ts'
import { createLevelRecorder } from './housekeeping/record-levels.ts'
import { createKeeperMetrics, type KeeperMetrics, showLag } from './metrics.ts'
import { Projection } from './project-events/projection.ts'
import { ScheduleLoop } from './run-schedules/schedule-loop.ts'
import { sendCallbacks } from './send-callbacks/send-callbacks.ts'

type Base = ServiceBase<KeeperConfig>

/**
 * Does everything that neither a caller nor a handler causes: folds the log into the store, sends callbacks, trims the
 * log, wakes stuck jobs, ticks schedules, and arms timers. Any number of replicas may run: one of them owns the
 * projection and the housekeeping, and another takes over when it dies; schedules and timers may be handled twice
 * without harm.
 */
export async function startKeeper(base: Base): Promise<Running> {
  const { config, log, life, health } = base
  const history = new JobHistory(base)
  const store = await openJobStore(config)
  life.onEnd(() => store.close())
  const view = new ProjectionView(store)
  health.addCheck('store', async () => {
    await store.ping()
    if (view.generation === 0) throw new Error('no replica has started to apply the log')
  })
  const metrics = createKeeperMetrics(base.registry)
  const ops = new OpsServer({ health, host: config.HOST, port: config.PORT, log })
  // The server answers until the very end.
  life.onEnd(() => ops.stop())
  await startTimers(base, history)
  const projection = await startProjection(base, { history, store, view, metrics })
  const schedules = await startSchedules(base, { history, store, metrics })
  showGauges(base.registry, () => (projection.isOwner ? readLevels({ ...base, store, view }, schedules) : null))
  const port = await ops.start()
  life.onStop(() => base.broker.closeIfAway())
  log.info({ port }, 'keeper is ready')
  return { port }
}

interface KeeperDeps {
  history: JobHistory
  store: JobStore
  view: ProjectionView
  metrics: KeeperMetrics
}

const limitsOf = (config: KeeperConfig) => ({ maxBytes: config.LOG_MAX_BYTES, maxJobs: config.LOG_MAX_JOBS })

/**
 * Starts the fold of the log into the store with the callbacks that follow from it, and the housekeeping of its owner.
 */
async function startProjection(base: Base, deps: KeeperDeps): Promise<Projection> {
  const { broker, config, clock, log, life, tracing } = base
  const { history, metrics } = deps
  const projection = new Projection({
    ...base,
    ...deps,
    onEnds: (ends) => sendCallbacks({ history, tracing, clock, log }, ends),
  })
  showLag(base.registry, () => projection.lag)
  base.health.addDetail('store_lag', () => describeLag(projection.lag.seconds * SECOND, config.STORE_LAG_MAX_MS))
  await life.start(projection)
  await life.start(
    openHousekeeping({
      ...base,
      ...deps,
      projection,
      limits: limitsOf(config),
      listLanes: () => listLanes(broker),
      woken: metrics.woken,
    }),
  )
  await life.start(
    createLevelRecorder({
      isOwner: () => projection.isOwner,
      listLanes: () => readLanes({ ...base, ...deps }),
      store: deps.store,
      clock,
      log,
    }),
  )
  return projection
}

async function startSchedules(
  base: Base,
  { history, store, metrics }: Omit<KeeperDeps, 'view'>,
): Promise<ScheduleLoop> {
  const { config, broker, stream, clock, log, life } = base
  const isBrokerUp = () => broker.isUp()
  const types = new JobTypes(lanesOf(broker), clock, log)
  const door = new Door({
    whyFull: async () => whyLogFull(await stream.state(), limitsOf(config)),
    isBrokerUp,
    whyNoRoom: () => whyDiskFull(config.DATA_DIR),
    log,
  })
  for (const each of [types, door]) await life.start(each)
  const records = new Records(SCHEDULE_RECORDS, base)
  life.onStop(() => records.close())
  const loop = new ScheduleLoop({
    ...base,
    history,
    types,
    door,
    records,
    isBrokerUp,
    jobExists: async (jobId) =>
      (await store.get(jobId)) !== null || (await stream.lastOf(historyFilterById(jobId))) !== null,
    callbacks: { enabled: config.CALLBACKS, trustedHosts: config.OUTBOUND_TRUSTED_HOSTS },
    created: metrics.created,
  })
  await life.start(loop)
  return loop
}

/** A workflow service that is away must not hold up the other gauges. */
const REQUESTS_WITHIN_MS = SECOND

async function readLevels(base: Base & ReadLanesDeps, schedules: ScheduleLoop): Promise<SystemLevels> {
  const { config, broker, stream, clock } = base
  const [types, state, openRequests] = await Promise.all([
    readTypeLevels({
      listLanes: () => readLanes(base),
      askWorkers: (waitMs) => askWorkers(broker, { waitMs }),
      stream,
      nowMs: clock.now(),
    }),
    stream.state(),
    askOpenRequests(broker, REQUESTS_WITHIN_MS),
  ])
  const { maxBytes, maxJobs } = limitsOf(config)
  return {
    types,
    log: { bytes: state.bytes, bytesMax: maxBytes, jobs: Math.round(jobsInLog(state)), jobsMax: maxJobs },
    openRequests,
    scheduleLateSeconds: schedules.lateMs / SECOND,
  }
}

async function startTimers({ broker, log, life }: Base, history: JobHistory): Promise<void> {
  const puller = new ConsumerPuller(broker)
  life.onStop(() => puller.close())
  await life.start(createArmTimers({ broker, puller, history, log }))
}
