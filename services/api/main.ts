import Router from '@koa/router'
import { connectBroker } from '#shared/bus/connection.ts'
import { readLogState } from '#shared/bus/event-feed.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { armTimersFloor, listLanes, purgeBelow } from '#shared/bus/topology.ts'
import { KEYS_STREAM } from '#shared/contracts/subjects.ts'
import { systemClock } from '#shared/runtime/clock.ts'
import { environment, makeReplicaId } from '#shared/runtime/config.ts'
import { Health } from '#shared/runtime/health.ts'
import { newShortId } from '#shared/runtime/ids.ts'
import { createLogger } from '#shared/runtime/logger.ts'
import { createRegistry } from '#shared/runtime/metrics.ts'
import { runService } from '#shared/runtime/service.ts'
import { VERSION } from '#shared/runtime/version.ts'
import { readApiConfig } from './config.ts'
import { IdempotencyKeys } from './create-job/idempotency-keys.ts'
import { createJobRoutes } from './create-job/route.ts'
import { Door } from './door.ts'
import { findJob } from './get-job/get-job.ts'
import { getJobRoutes } from './get-job/route.ts'
import { createApp } from './http/app.ts'
import { HttpServer } from './http/server.ts'
import { JobTypes } from './job-types.ts'
import { createHouseKeeper } from './keep-house/house-keeper.ts'
import { createApiMetrics } from './metrics.ts'
import { openStore } from './open-store.ts'
import { Projection } from './project-events/projection.ts'
import { ProjectionView } from './project-events/projection-view.ts'

/** Requests whose publish is under way; beyond it new ones are refused at once. */
const MAX_PUBLISHES_IN_FLIGHT = 10_000

await runService(async () => {
  const config = readApiConfig(environment())
  const replicaId = makeReplicaId(newShortId())
  const log = createLogger({ service: 'api', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
  const clock = systemClock
  const credentials = { user: config.NATS_USER, password: config.NATS_PASSWORD }
  const broker = await connectBroker({ url: config.NATS_URL, name: `api-${replicaId}`, ...credentials, clock, log })
  const reader = new LogReader(broker.nc)
  const publisher = new Publisher({
    broker,
    reader,
    clock,
    maxInFlight: MAX_PUBLISHES_IN_FLIGHT,
    groupCommit: config.NATS_GROUP_COMMIT,
  })
  const store = await openStore(config)
  const registry = createRegistry('api')
  const metrics = createApiMetrics(registry)

  const view = new ProjectionView(store)
  const projection = new Projection({
    broker,
    store,
    view,
    replicaId,
    clock,
    log,
    unreadable: metrics.unreadable,
    lag: metrics.lag,
  })
  const lanes = () => listLanes(broker.nc)
  const types = new JobTypes(lanes, clock, log)
  const door = new Door({
    readState: () => readLogState(broker),
    isBrokerUp: () => broker.isUp(),
    maxBytes: config.LOG_MAX_BYTES,
    maxJobs: config.LOG_MAX_JOBS,
    log,
  })
  const houseDeps = {
    store,
    reader,
    publisher,
    listLanes: lanes,
    armTimers: () => armTimersFloor(broker.nc),
    clock,
    log,
  }
  const houseKeeper = createHouseKeeper({
    isOwner: () => projection.isOwner,
    wake: { ...houseDeps, leaseMs: config.LEASE_MS, woken: metrics.woken },
    trim: {
      ...houseDeps,
      readState: () => readLogState(broker),
      purge: (seq) => purgeBelow(broker.nc, seq),
      checkpointSeq: () => view.seq,
      logRetentionMs: config.LOG_RETENTION_MS,
      cooldownMs: config.COOLDOWN_MS,
      maxJobs: config.LOG_MAX_JOBS,
      maxBytes: config.LOG_MAX_BYTES,
    },
    store,
    clock,
    everyMs: config.HOUSEKEEPING_MS,
    jobRetentionMs: config.JOB_RETENTION_MS,
    log,
  })

  const router = new Router()
  const getDeps = { store, reader, view, clock, log }
  createJobRoutes(router, {
    publisher,
    reader,
    door,
    types,
    keys: new IdempotencyKeys(publisher, new LogReader(broker.nc, KEYS_STREAM), clock),
    jobExists: async (jobId) => (await findJob(getDeps, jobId)) !== null,
    clock,
    cooldownMs: config.COOLDOWN_MS,
    created: metrics.created,
    log,
  })
  getJobRoutes(router, getDeps)
  const health = new Health({
    service: 'api',
    version: VERSION,
    clock,
    registry,
    checks: {
      broker: async () => {
        if (!broker.isUp()) throw new Error('the broker is away')
        await readLogState(broker)
      },
      store: () => store.ping(),
    },
  })
  const app = createApp({
    router,
    health,
    clock,
    log,
    trustProxy: config.TRUST_PROXY,
    httpSeconds: metrics.httpSeconds,
  })
  const server = new HttpServer({ app, host: config.HOST, port: config.PORT, reusePort: config.REUSE_PORT })

  await types.start()
  await door.start()
  projection.start()
  houseKeeper.start()
  const port = await server.start()
  log.info({ port }, 'api is ready')

  return {
    log,
    service: {
      async stop() {
        health.drain()
        await server.stop()
        await houseKeeper.stop()
        await projection.stop()
        await types.stop()
        await door.stop()
        publisher.close()
        await broker.close()
        await store.close()
      },
    },
  }
})
