import { availableParallelism, hostname } from 'node:os'
import { BrokerClock, consumerInfoSubject } from '#shared/bus/broker-clock.ts'
import { connectBroker } from '#shared/bus/connection.ts'
import { watchLaneChanges } from '#shared/bus/lane-changes.ts'
import { LanePuller } from '#shared/bus/lane-puller.ts'
import { ensureLanes, lanePrioritiesOf } from '#shared/bus/lanes.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { answerPresence } from '#shared/bus/presence.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import { ARM_TIMERS, LOG_PROBE, probeSubject } from '#shared/contracts/log/subjects.ts'
import { newShortId } from '#shared/ids/ids.ts'
import { environment, makeReplicaId } from '#shared/process/config.ts'
import { chooseFormat, createLogger, type LoggerOptions } from '#shared/process/logger.ts'
import { createRegistry } from '#shared/process/metrics.ts'
import { VERSION } from '#shared/process/version.ts'
import { Health } from '#shared/service/health.ts'
import { OpsServer } from '#shared/service/ops-server.ts'
import { runService } from '#shared/service/run-service.ts'
import { type Clock, isoTime, systemClock } from '#shared/time/clock.ts'
import { ArmTimers } from './arm-timers.ts'
import { readJobConfig } from './config.ts'
import { drain } from './drain.ts'
import { foreignErrors } from './foreign-errors.ts'
import { isDevelopmentSecret } from './handlers/callback-signature.ts'
import { loadHandlers, typeInfo } from './handlers/load-handlers.ts'
import { ChildIsolation } from './isolate/isolation.ts'
import { Lease } from './lease/lease.ts'
import { createJobMetrics } from './metrics.ts'
import { PullLoop } from './pull-loop.ts'
import { workerRoutes } from './show-workers/routes.ts'
import { watchEnds } from './watch-ends.ts'
import { AttemptRecorder } from './worker-store/attempt-recorder.ts'
import { ReportLoop } from './worker-store/report-loop.ts'
import { StoreClient } from './worker-store/store-client.ts'

/** Jobs in flight times what each publishes; far above any number of slots. */
const MAX_PUBLISHES_IN_FLIGHT = 50_000
/** Processes for jobs that may have killed a worker, each a whole Node: more than the cores can start keep each other. */
const MAX_CHILDREN = Math.max(4, 2 * availableParallelism())
/** Some 3 MB. */
const MAX_UNSTORED_ATTEMPTS = 10_000
/** Three renewals a lease: one may be lost. */
const RENEWALS_PER_LEASE = 3.3

await runService(async () => {
  const config = readJobConfig(environment())
  const workerId = makeReplicaId(newShortId())
  const logger: LoggerOptions = { service: 'job', level: config.LOG_LEVEL, format: chooseFormat(config.LOG_FORMAT) }
  const log = createLogger(logger).child({ worker_id: workerId })
  // The broker's, once it is there: whoever gets a webhook compares its time with a clock that is right.
  let clock: Clock = systemClock
  const handlers = await loadHandlers(config, { log, now: () => clock.now() })
  if (config.WEBHOOK_SECRET.some(isDevelopmentSecret)) {
    log.warn('WEBHOOK_SECRET is the development default, which anyone can know: set another')
  }
  const credentials = { user: config.NATS_USER, password: config.NATS_PASSWORD }
  const broker = await connectBroker({ url: config.NATS_URL, name: workerId, ...credentials, clock: systemClock, log })
  const registry = createRegistry('job')
  // Its user may not look at the stream as a whole.
  const brokerClock = await BrokerClock.start({ broker, subject: consumerInfoSubject(ARM_TIMERS), registry, log })
  clock = brokerClock
  const topology = { cooldownMs: config.COOLDOWN_MS, leaseMs: config.LEASE_MS, replicas: config.HASTY_REPLICAS }
  let leaseMs = config.LEASE_MS
  for (const handler of handlers.values()) {
    leaseMs = Math.min(leaseMs, await ensureLanes(broker.nc, typeInfo(handler), topology))
  }

  const reader = new LogReader(broker.nc)
  const probe = new WriteProbe({ broker, subject: LOG_PROBE, readySubject: probeSubject('job'), clock })
  const publisher = new Publisher({
    broker,
    reader,
    clock,
    maxInFlight: MAX_PUBLISHES_IN_FLIGHT,
    groupCommit: config.NATS_GROUP_COMMIT,
    probe,
  })
  const lease = await Lease.start({
    natsUrl: config.NATS_URL,
    natsUser: config.NATS_USER,
    natsPassword: config.NATS_PASSWORD,
    workerId,
    renewEveryMs: Math.floor(leaseMs / RENEWALS_PER_LEASE),
    logger,
    onThreadEnd: (error) => {
      log.fatal({ err: error }, 'the lease thread ended')
      process.exit(1)
    },
  })
  const metrics = createJobMetrics(registry)
  const attempts = new AttemptRecorder({
    worker: {
      worker_id: workerId,
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
  const store = new StoreClient(
    { mongoUrl: config.JOB_MONGO_URL, dataDir: config.DATA_DIR, retentionMs: config.ATTEMPT_RETENTION_MS },
    log,
  )
  const reports = new ReportLoop(attempts, store, log)
  const puller = new LanePuller(broker)
  const loop = new PullLoop(
    {
      workerId,
      handlers,
      broker,
      puller,
      publisher,
      reader,
      lease,
      isolation: new ChildIsolation(MAX_CHILDREN),
      findLanes: (type) => lanePrioritiesOf(broker.nc, type),
      metrics,
      attempts,
      clock,
      random: Math.random,
      log,
    },
    { slots: config.JOB_SLOTS, ageingMs: config.PRIORITY_AGEING_MS },
  )
  const timerPuller = new LanePuller(broker)
  const timers = new ArmTimers({ broker, puller: timerPuller, publisher, clock, log })
  const health = new Health({
    service: 'job',
    version: VERSION,
    clock,
    registry,
    details: () => ({ clock: brokerClock.describe() }),
    checks: {
      broker: async () => {
        if (!broker.isUp()) throw new Error('the broker is away')
        await reader.atSequence(1)
        await probe.checkReady()
      },
    },
  })
  const ops = new OpsServer({
    health,
    routes: workerRoutes({
      store: {
        listWorkers: (query) => store.call('listWorkers', query),
        getWorker: (id) => store.call('getWorker', id),
        listAttempts: (query) => store.call('listAttempts', query),
      },
      clock,
    }),
    host: config.HOST,
    port: config.PORT,
    log,
  })
  const port = await ops.start()
  store.start()
  reports.start()
  const unanswer = answerPresence(broker, () => ({
    worker_id: workerId,
    types: [...handlers.keys()],
    slots: config.JOB_SLOTS,
    running: loop.held.size,
  }))
  const unwatchEnds = watchEnds({ broker, reader, held: loop.held, log })
  await loop.start()
  const unwatchLanes = watchLaneChanges(broker, (type) => {
    loop
      .lanesChanged(type)
      .catch((error: unknown) => log.debug({ err: error, type }, 'could not look at changed lanes'))
  })
  timers.start()
  log.info({ port, slots: config.JOB_SLOTS, types: [...handlers.keys()] }, 'job service is ready')

  return {
    log,
    service: {
      foreignErrors: foreignErrors({ loop, broker, metrics, log }),
      async stop() {
        health.drain()
        unanswer()
        await drain(loop, config.DRAIN_MS, log)
        await reports.stop()
        await timers.stop()
        unwatchEnds()
        unwatchLanes()
        puller.close()
        timerPuller.close()
        await broker.nc.flush().catch(() => undefined)
        publisher.close()
        await lease.stop()
        await brokerClock.stop()
        await broker.close()
        await ops.stop()
        await store.stop()
      },
    },
  }
})
