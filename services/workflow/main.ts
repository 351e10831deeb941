import { IdempotencyKeys } from '#shared/accept/idempotency-keys.ts'
import { JobTypes } from '#shared/accept/job-types.ts'
import { connectBroker } from '#shared/bus/connection.ts'
import { readLogState } from '#shared/bus/event-feed.ts'
import { listLanes } from '#shared/bus/lanes.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { RecordStream } from '#shared/bus/record-stream.ts'
import { KEYS_STREAM, REQUESTS_STREAM } from '#shared/contracts/subjects.ts'
import { createApp } from '#shared/http/app.ts'
import { createGuardedRouter } from '#shared/http/guarded-router.ts'
import { HttpServer } from '#shared/http/server.ts'
import { servicesOf } from '#shared/outbound/settings.ts'
import { isoTime, systemClock } from '#shared/runtime/clock.ts'
import { environment, makeReplicaId } from '#shared/runtime/config.ts'
import { Health } from '#shared/runtime/health.ts'
import { newShortId } from '#shared/runtime/ids.ts'
import { createLogger } from '#shared/runtime/logger.ts'
import { IntervalLoop } from '#shared/runtime/loop.ts'
import { createRegistry, HTTP_BUCKETS_S, histogram } from '#shared/runtime/metrics.ts'
import { runService } from '#shared/runtime/service.ts'
import { VERSION } from '#shared/runtime/version.ts'
import { readWorkflowConfig } from './config.ts'
import { DefinitionRecords } from './definitions/definition-records.ts'
import { createGeneration } from './engine/generation.ts'
import { createJobEnds } from './engine/job-ends.ts'
import { PickUpTimes } from './engine/pick-up-times.ts'
import { createRequestChanges } from './engine/request-changes.ts'
import { RequestRecords, type StoredRequest } from './engine/request-records.ts'
import { TaskJobs } from './engine/task-jobs.ts'
import { openStore } from './open-store.ts'
import { workflowRoutes } from './routes.ts'

const MAX_PUBLISHES_IN_FLIGHT = 10_000
const DELETED_AT_ONCE = 1_000

await runService(async () => {
  const config = readWorkflowConfig(environment())
  const log = createLogger({ service: 'workflow', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
  const clock = systemClock
  const broker = await connectBroker({
    url: config.NATS_URL,
    name: `workflow-${makeReplicaId(newShortId())}`,
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    clock,
    log,
  })
  const reader = new LogReader(broker.nc)
  const publisher = new Publisher({
    broker,
    reader,
    clock,
    maxInFlight: MAX_PUBLISHES_IN_FLIGHT,
    groupCommit: config.NATS_GROUP_COMMIT,
  })
  const store = await openStore(config)
  const registry = createRegistry('workflow')
  const types = new JobTypes(() => listLanes(broker.nc), clock, log)
  const requests = new RecordStream(broker, REQUESTS_STREAM, clock)
  const records = new RequestRecords(requests)
  const times = {
    newRequests: new PickUpTimes(config.WRK_REQUEST_NEW_CRON),
    goingOn: new PickUpTimes(config.WRK_REQUEST_INPROGRESS_CRON),
    jobs: new PickUpTimes(config.WRK_JOB_CRON),
  }
  const changeDeps = { records, clock, goesOnAtOnce: times.goingOn.isAtOnce }
  const taskDeps = { ...changeDeps, publisher, reader, types, definitions: new DefinitionRecords(requests), log }
  const taskJobs = new TaskJobs(taskDeps)
  const loops = [
    createJobEnds({ ...taskDeps, broker, taskJobs, jobsAtOnce: times.jobs.isAtOnce }),
    createRequestChanges({
      ...taskDeps,
      broker,
      taskJobs,
      store,
      generation: createGeneration(requests, clock),
      times,
    }),
  ]
  const forget = new IntervalLoop(
    config.HOUSEKEEPING_MS,
    async () => {
      await store.deleteEndedBefore(isoTime(clock.now() - config.REQUEST_RETENTION_MS), DELETED_AT_ONCE)
    },
    (error) => log.warn({ err: error }, 'old requests could not be deleted'),
  )

  const router = createGuardedRouter(config, clock, log)
  workflowRoutes(router, {
    ...changeDeps,
    stream: requests,
    store,
    reader,
    types,
    services: servicesOf(config),
    keys: new IdempotencyKeys(publisher, new LogReader(broker.nc, KEYS_STREAM), clock),
    /** What a caller changed goes on at once; were this to fail, the record's own delivery does it. */
    runEffects: async (stored: StoredRequest) => {
      if (!config.WRK_ENABLED || !times.jobs.isAtOnce) return
      await taskJobs.see(stored).catch((error: unknown) => log.warn({ err: error }, 'jobs of a request wait'))
    },
    clock,
    log,
  })
  const health = new Health({
    service: 'workflow',
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
    corsOrigins: config.CORS_ORIGINS,
    addressLimit: { name: 'address', requests: config.RATE_LIMIT_PER_ADDRESS, windowS: config.RATE_LIMIT_WINDOW_S },
    httpSeconds: histogram(registry, 'hasty_http_request_duration_seconds', 'Requests, by route', HTTP_BUCKETS_S, [
      'route',
      'method',
      'code',
    ]),
  })
  const server = new HttpServer({ app, host: config.HOST, port: config.PORT, reusePort: config.REUSE_PORT })

  await types.start()
  if (config.WRK_ENABLED) for (const loop of loops) loop.start()
  else log.warn('WRK_ENABLED is false: requests are accepted and shown, and nothing is picked up')
  forget.start()
  const port = await server.start()
  log.info({ port }, 'workflow is ready')

  return {
    log,
    service: {
      async stop() {
        health.drain()
        await server.stop()
        await Promise.all(loops.map((loop) => loop.stop()))
        await forget.stop()
        await types.stop()
        requests.close()
        publisher.close()
        await broker.close()
        await store.close()
      },
    },
  }
})
