import { whyDiskFull } from '#shared/accept/disk-room.ts'
import { Door, whyLogFull } from '#shared/accept/door.ts'
import { JobTypes } from '#shared/accept/job-types.ts'
import { JobHistory } from '#shared/bus/job-history.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { ConsumerPuller } from '#shared/bus/puller.ts'
import { Records } from '#shared/bus/records.ts'
import { historyFilterById } from '#shared/contracts/log/subjects.ts'
import { ScheduleBook } from '#shared/schedules/schedule-book.ts'
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
import { openHousekeeping } from './housekeeping/open-housekeeping.ts'
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
  await startProjection(base, { history, store, view, metrics })
  await startSchedules(base, { history, store, metrics })
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
async function startProjection(base: Base, deps: KeeperDeps): Promise<void> {
  const { broker, config, clock, log, life } = base
  const { history, metrics } = deps
  const projection = new Projection({
    ...base,
    ...deps,
    onEnds: (ends) => sendCallbacks({ history, clock, log }, ends),
    unreadable: metrics.unreadable,
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
}

async function startSchedules(base: Base, { history, store, metrics }: Omit<KeeperDeps, 'view'>): Promise<void> {
  const { config, broker, stream, clock, log, life } = base
  const isBrokerUp = () => broker.isUp()
  const types = new JobTypes(() => listLanes(broker), clock, log)
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
    book: new ScheduleBook(records, log),
    isBrokerUp,
    jobExists: async (jobId) =>
      (await store.get(jobId)) !== null || (await stream.lastOf(historyFilterById(jobId))) !== null,
    callbacks: { enabled: config.CALLBACKS, trustedHosts: config.OUTBOUND_TRUSTED_HOSTS },
    created: metrics.created,
  })
  await life.start(loop)
}

async function startTimers({ broker, log, life }: Base, history: JobHistory): Promise<void> {
  const puller = new ConsumerPuller(broker)
  life.onStop(() => puller.close())
  await life.start(createArmTimers({ broker, puller, history, log }))
}
