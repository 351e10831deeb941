import { availableParallelism, hostname } from 'node:os'
import { consumerInfoSubject } from '#shared/bus/api-subjects.ts'
import { BrokerStart } from '#shared/bus/broker-start.ts'
import { JobHistory } from '#shared/bus/job-history.ts'
import { watchLaneChanges } from '#shared/bus/lanes/lane-changes.ts'
import { ensureLanes, type LanesOfType, lanesOfType } from '#shared/bus/lanes/lanes.ts'
import { answerPresence } from '#shared/bus/presence.ts'
import { ConsumerPuller } from '#shared/bus/puller.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { ARM_TIMERS, cancelsOf } from '#shared/contracts/log/subjects.ts'
import { EXIT } from '#shared/process/exit.ts'
import { chooseFormat } from '#shared/process/logger.ts'
import { VERSION } from '#shared/process/version.ts'
import type { BaseOptions, ServiceBase } from '#shared/service/base.ts'
import { OpsServer } from '#shared/service/ops-server.ts'
import type { Running } from '#shared/service/run-service.ts'
import { isoTime, systemClock } from '#shared/time/clock.ts'
import type { JobConfig } from './config.ts'
import { foreignErrors } from './foreign-errors.ts'
import { isDevelopmentSecret } from './handlers/callback-signature.ts'
import { type Handlers, loadHandlers, typeInfo } from './handlers/load-handlers.ts'
import { ChildIsolation } from './isolate/isolation.ts'
import { Lease } from './lease/lease.ts'
import type { Lender } from './lend-work/lender.ts'
import { openLender } from './lend-work/open-lender.ts'
import { JobMaker } from './make/job-maker.ts'
import { createJobMetrics, type JobMetrics } from './metrics.ts'
import { drain } from './pull/drain.ts'
import { ExclusiveDeliveries } from './pull/exclusive-deliveries.ts'
import { PullLoop } from './pull/pull-loop.ts'
import { DeliveryStarts } from './run/delivery-starts.ts'
import { watchEnds } from './run/watch-ends.ts'
import { topologyOf } from './set-up-broker.ts'
import { AttemptRecorder } from './workers/attempt-recorder.ts'
import { ReportLoop } from './workers/report-loop.ts'
import { StoreClient } from './workers/store-client.ts'
import { workerRoutes } from './workers/workers-routes.ts'

/**
 * Options of the base. The service's user may not look at the stream as a whole, so the clock asks for a consumer, and
 * readiness for a message.
 */
export const JOB_BASE: BaseOptions = {
  clockSubject: consumerInfoSubject(ARM_TIMERS),
  // Jobs in flight times the publishes of each; far more than any number of slots needs.
  maxInFlight: 50_000,
  askBroker: ({ stream }) => stream.atSequence(1),
  replicaInLog: 'worker_id',
}

/**
 * Number of child processes for jobs that may have killed a worker. Each is a whole Node: with more than the cores can
 * start, they slow each other down.
 */
const MAX_CHILDREN = Math.max(4, 2 * availableParallelism())
/** About 3 MB of memory. */
const MAX_UNSTORED_ATTEMPTS = 10_000
/** Renewals per lease: three, so one may be lost. */
const RENEWALS_PER_LEASE = 3.3

type Base = ServiceBase<JobConfig>

/** Starts the service that runs the jobs of the types that it has handlers for. */
export async function startJob(base: Base): Promise<Running> {
  const { config, broker, publisher, clock, log, life } = base
  const handlers = await loadHandlers(config, { log, now: () => clock.now(), tracing: base.tracing })
  if (config.WEBHOOK_SECRET.some(isDevelopmentSecret)) {
    log.warn('WEBHOOK_SECRET is the development default, which anyone can know: set another')
  }
  const history = new JobHistory(base)
  const metrics = createJobMetrics(base.registry)
  const leaseMs = await openLanes(base, handlers)
  const isolation = new ChildIsolation(MAX_CHILDREN)
  life.onStop(() => isolation.endSpares())
  const lease = await startLease(base, leaseMs, isolation)
  // Stops before the lease ends: a process that holds no job must not publish any more.
  life.onStop(async () => {
    await broker.flush().catch(() => undefined)
    publisher.close()
  })
  const attempts = attemptRecorder(base, handlers, metrics)
  const exclusive = new ExclusiveDeliveries(systemClock, leaseMs)
  const puller = new ConsumerPuller(broker)
  life.onStop(() => puller.close())
  const findLanes = (type: string) => lanesOfType(broker, type)
  const loop = pullLoop(base, { history, handlers, lease, isolation, exclusive, attempts, metrics, puller, findLanes })
  const { store, port } = await startOps(base)
  const renewEveryMs = Math.floor(leaseMs / RENEWALS_PER_LEASE)
  const lending = await openLender(base, {
    history,
    puller,
    findLanes,
    metrics,
    random: Math.random,
    store,
    renewEveryMs,
  })
  await life.start(new ReportLoop(attempts, store, log))
  life.onStop(watchEnds({ ...base, history, exclusive, held: loop.held }))
  life.onStop(() => drain(loop, config.DRAIN_MS, log))
  // Before the first look at the lanes: none of their changes may be missed after it.
  life.onStop(watchLanes(base, loop, lending.lender))
  await loop.start()
  life.onStop(
    answerPresence(broker, () => ({
      worker_id: base.replicaId,
      types: [...handlers.keys()],
      slots: config.JOB_SLOTS,
      running: loop.held.size,
      abandoned_types: attempts.abandonedTypes,
      http_workers: lending.workers.presence(),
      lends: true,
    })),
  )
  log.info({ port, slots: config.JOB_SLOTS, types: [...handlers.keys()] }, 'job service is ready')
  return { port, foreignErrors: foreignErrors({ loop, broker, metrics, log }) }
}

/**
 * Starts the store of attempts and the routes that read it. Both stay until the very end, so that a drain can be
 * watched.
 */
async function startOps({ config, health, clock, log, life }: Base): Promise<{ store: StoreClient; port: number }> {
  const store = new StoreClient(
    { mongoUrl: config.JOB_MONGO_URL, dataDir: config.DATA_DIR, retentionMs: config.ATTEMPT_RETENTION_MS },
    log,
  )
  life.onEnd(() => store.stop())
  const routes = workerRoutes({
    store: {
      listWorkers: (query) => store.call('listWorkers', query),
      getWorker: (id) => store.call('getWorker', id),
      listAttempts: (query) => store.call('listAttempts', query),
    },
    clock,
  })
  const ops = new OpsServer({ health, routes, host: config.HOST, port: config.PORT, log })
  life.onEnd(() => ops.stop())
  const port = await ops.start()
  store.start()
  return { store, port }
}

/** @returns the shortest lease of the existing lanes */
async function openLanes({ broker, config }: Base, handlers: Handlers): Promise<number> {
  let leaseMs = config.LEASE_MS
  for (const handler of handlers.values()) {
    leaseMs = Math.min(leaseMs, await ensureLanes(broker, typeInfo(handler), topologyOf(config)))
  }
  return leaseMs
}

async function startLease(
  { config, replicaId, log, life }: Base,
  leaseMs: number,
  isolation: ChildIsolation,
): Promise<Lease> {
  const lease = await Lease.start({
    natsUrl: config.NATS_URL,
    natsUser: config.NATS_USER,
    natsPassword: config.NATS_PASSWORD,
    workerId: replicaId,
    renewEveryMs: Math.floor(leaseMs / RENEWALS_PER_LEASE),
    slots: config.JOB_SLOTS,
    logger: { service: 'job', level: log.level, format: chooseFormat(config.LOG_FORMAT) },
    onWorkerMissing: (jobs) => isolation.prepare(jobs),
    onCompany: (isThere) => isolation.keep(isThere ? config.SPARE_CHILDREN : 0),
    onThreadEnd: (error) => {
      log.fatal({ err: error }, 'the lease thread ended')
      process.exit(EXIT.failed)
    },
  })
  log.on('level-change', (level) => lease.setLogLevel(level))
  life.onStop(() => lease.stop())
  return lease
}

function attemptRecorder({ config, replicaId, clock }: Base, handlers: Handlers, metrics: JobMetrics): AttemptRecorder {
  return new AttemptRecorder({
    worker: {
      worker_id: replicaId,
      host: hostname(),
      pid: process.pid,
      version: VERSION,
      types: [...handlers.keys()],
      slots: config.JOB_SLOTS,
      started_at: isoTime(clock.now()),
    },
    clock,
    maxBuffered: MAX_UNSTORED_ATTEMPTS,
    onDropped: (count) => metrics.unstored.inc(count),
  })
}

interface PullDeps {
  history: JobHistory
  handlers: Handlers
  lease: Lease
  isolation: ChildIsolation
  exclusive: ExclusiveDeliveries
  attempts: AttemptRecorder
  metrics: JobMetrics
  puller: ConsumerPuller
  findLanes(type: string): Promise<LanesOfType>
}

function pullLoop(base: Base, deps: PullDeps): PullLoop {
  const { broker, clock, config, stream, replicaId, life } = base
  const brokerStart = new BrokerStart({ broker, clock, log: stream })
  life.onStop(() => brokerStart.close())
  const jobMaker = new JobMaker({ ...base, history: deps.history, created: deps.metrics.created })
  life.onStop(() => jobMaker.stop())
  return new PullLoop(
    {
      ...base,
      ...deps,
      workerId: replicaId,
      traceJobs: config.TRACE_JOBS,
      policyOf: (type) => deps.handlers.get(type)?.policy ?? DEFAULT_POLICY,
      jobMaker,
      deliveryStarts: new DeliveryStarts({
        ...deps,
        broker,
        clock,
        workerId: replicaId,
        graceMs: config.START_GRACE_MS,
      }),
      brokerStart,
      lastCancel: async (type) => (await stream.lastOf(cancelsOf(type)))?.seq ?? 0,
      random: Math.random,
    },
    { slots: config.JOB_SLOTS, ageingMs: config.PRIORITY_AGEING_MS },
  )
}

const watchLanes = ({ broker }: Base, loop: PullLoop, lender: Lender): (() => void) =>
  watchLaneChanges(broker, {
    onChanging: (type) => loop.lanesChanging(type),
    onChanged(type) {
      void loop.lanesChanged(type)
      lender.lanesChanged(type)
    },
  })
