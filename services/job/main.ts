import { connectBroker } from '#shared/bus/connection.ts'
import { LanePuller } from '#shared/bus/lane-puller.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { ensureLanes } from '#shared/bus/topology.ts'
import { systemClock } from '#shared/runtime/clock.ts'
import { environment, makeReplicaId } from '#shared/runtime/config.ts'
import { Health } from '#shared/runtime/health.ts'
import { newShortId } from '#shared/runtime/ids.ts'
import { chooseFormat, createLogger, type LoggerOptions } from '#shared/runtime/logger.ts'
import { createRegistry } from '#shared/runtime/metrics.ts'
import { OpsServer } from '#shared/runtime/ops-server.ts'
import { runService } from '#shared/runtime/service.ts'
import { VERSION } from '#shared/runtime/version.ts'
import { ArmTimers } from './arm-timers.ts'
import { readJobConfig } from './config.ts'
import { drain } from './drain.ts'
import { loadHandlers, typeInfo } from './handlers/load-handlers.ts'
import { ChildIsolation } from './isolate/isolation.ts'
import { Lease } from './lease/lease.ts'
import { createJobMetrics } from './metrics.ts'
import { PullLoop } from './pull-loop.ts'

/** Jobs in flight times what each publishes; far above any number of slots. */
const MAX_PUBLISHES_IN_FLIGHT = 50_000
/** Processes for jobs that may have killed a worker: some 50 MB each. */
const MAX_CHILDREN = 10
/** Three renewals a lease: one may be lost. */
const RENEWALS_PER_LEASE = 3.3

await runService(async () => {
  const config = readJobConfig(environment())
  const workerId = makeReplicaId(newShortId())
  const logger: LoggerOptions = { service: 'job', level: config.LOG_LEVEL, format: chooseFormat(config.LOG_FORMAT) }
  const log = createLogger(logger).child({ worker_id: workerId })
  const handlers = await loadHandlers(config)
  const clock = systemClock
  const credentials = { user: config.NATS_USER, password: config.NATS_PASSWORD }
  const broker = await connectBroker({ url: config.NATS_URL, name: workerId, ...credentials, clock, log })
  const topology = { cooldownMs: config.COOLDOWN_MS, leaseMs: config.LEASE_MS, replicas: config.HASTY_REPLICAS }
  let leaseMs = config.LEASE_MS
  for (const handler of handlers.values()) {
    leaseMs = Math.min(leaseMs, await ensureLanes(broker.nc, typeInfo(handler), topology))
  }

  const reader = new LogReader(broker.nc)
  const publisher = new Publisher({
    broker,
    reader,
    clock,
    maxInFlight: MAX_PUBLISHES_IN_FLIGHT,
    groupCommit: config.NATS_GROUP_COMMIT,
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
  const registry = createRegistry('job')
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
      metrics: createJobMetrics(registry),
      clock,
      random: Math.random,
      log,
    },
    config.JOB_SLOTS,
  )
  const timerPuller = new LanePuller(broker)
  const timers = new ArmTimers({ broker, puller: timerPuller, publisher, log })
  const health = new Health({
    service: 'job',
    version: VERSION,
    clock,
    registry,
    checks: {
      broker: async () => {
        if (!broker.isUp()) throw new Error('the broker is away')
        await reader.atSequence(1)
      },
    },
  })
  const ops = new OpsServer(health, config.PORT, config.HOST)
  const port = await ops.start()
  loop.start()
  timers.start()
  log.info({ port, slots: config.JOB_SLOTS, types: [...handlers.keys()] }, 'job service is ready')

  return {
    log,
    service: {
      async stop() {
        health.drain()
        await drain(loop, config.DRAIN_MS, log)
        await timers.stop()
        puller.close()
        timerPuller.close()
        await broker.nc.flush().catch(() => undefined)
        publisher.close()
        await lease.stop()
        await broker.close()
        await ops.stop()
      },
    },
  }
})
