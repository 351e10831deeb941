import { whyDiskFull } from '#shared/accept/disk-room.ts'
import { Door, whyLogFull } from '#shared/accept/door.ts'
import { IdempotencyKeys } from '#shared/accept/idempotency-keys.ts'
import { JobTypes } from '#shared/accept/job-types.ts'
import { BrokerClock, streamInfoSubject } from '#shared/bus/broker-clock.ts'
import { connectBroker } from '#shared/bus/connection.ts'
import { readLogState } from '#shared/bus/event-feed.ts'
import { listLanes } from '#shared/bus/lanes.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { RecordStream } from '#shared/bus/record-stream.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import {
  DEFINITIONS_STREAM,
  JOBS_STREAM,
  LOG_PROBE,
  probeSubject,
  REQUESTS_STREAM,
} from '#shared/contracts/log/subjects.ts'
import { createApp } from '#shared/http/app.ts'
import { createGuardedRouter } from '#shared/http/guarded-router.ts'
import { HttpServer } from '#shared/http/server.ts'
import { newShortId } from '#shared/ids/ids.ts'
import { servicesOf } from '#shared/outbound/settings.ts'
import { environment, makeReplicaId } from '#shared/process/config.ts'
import { createLogger } from '#shared/process/logger.ts'
import { createRegistry, HTTP_BUCKETS_S, histogram } from '#shared/process/metrics.ts'
import { VERSION } from '#shared/process/version.ts'
import { Health } from '#shared/service/health.ts'
import { runService } from '#shared/service/run-service.ts'
import { isoTime, systemClock } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { readWorkflowConfig } from './config.ts'
import { DefinitionRecords } from './definitions/definition-records.ts'
import { createGeneration } from './engine/generation.ts'
import { createJobEnds } from './engine/job-ends.ts'
import { PickUpTimes } from './engine/pick-up-times.ts'
import { createRequestChanges } from './engine/request-changes.ts'
import { RequestRecords, type StoredRequest } from './engine/request-records.ts'
import { TaskJobs } from './engine/task-jobs.ts'
import { createWorkflowMetrics } from './metrics.ts'
import { openStore } from './open-store.ts'
import { toRow } from './request-row.ts'
import { workflowRoutes } from './routes.ts'

const MAX_PUBLISHES_IN_FLIGHT = 10_000
const DELETED_AT_ONCE = 1_000

await runService(async () => {
  const config = readWorkflowConfig(environment())
  const log = createLogger({ service: 'workflow', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
  const broker = await connectBroker({
    url: config.NATS_URL,
    name: `workflow-${makeReplicaId(newShortId())}`,
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    clock: systemClock,
    log,
  })
  const registry = createRegistry('workflow')
  const clock = await BrokerClock.start({ broker, subject: streamInfoSubject(JOBS_STREAM), registry, log })
  const reader = new LogReader(broker.nc)
  const probe = new WriteProbe({ broker, subject: LOG_PROBE, readySubject: probeSubject('workflow'), clock })
  const publisher = new Publisher({
    broker,
    reader,
    clock,
    maxInFlight: MAX_PUBLISHES_IN_FLIGHT,
    groupCommit: config.NATS_GROUP_COMMIT,
    probe,
  })
  const store = await openStore(config)
  const types = new JobTypes(() => listLanes(broker.nc), clock, log)
  const requests = new RecordStream(broker, REQUESTS_STREAM, clock, probe)
  const records = new RequestRecords(requests, broker.maxPayload)
  const times = {
    newRequests: new PickUpTimes(config.WRK_REQUEST_NEW_CRON),
    goingOn: new PickUpTimes(config.WRK_REQUEST_INPROGRESS_CRON),
    jobs: new PickUpTimes(config.WRK_JOB_CRON),
  }
  const metrics = createWorkflowMetrics(registry)
  const { handedBack } = metrics
  const changeDeps = { records, clock, goesOnAtOnce: times.goingOn.isAtOnce, ended: metrics.ended }
  const definitionStream = new RecordStream(broker, DEFINITIONS_STREAM, clock, probe)
  const definitions = new DefinitionRecords(definitionStream)
  const taskDeps = { ...changeDeps, publisher, reader, types, definitions, log }
  const taskJobs = new TaskJobs(taskDeps)
  const generation = createGeneration(requests, clock)
  const loops = [
    createJobEnds({ ...taskDeps, broker, taskJobs, jobsAtOnce: times.jobs.isAtOnce, handedBack }),
    createRequestChanges({
      ...taskDeps,
      broker,
      taskJobs,
      handedBack,
      store,
      generation,
      times,
    }),
  ]
  const forget = new IntervalLoop(
    config.HOUSEKEEPING_MS,
    async () => {
      if (!clock.isTrusted()) return
      await store.deleteEndedBefore(isoTime(clock.now() - config.REQUEST_RETENTION_MS), DELETED_AT_ONCE)
    },
    (error) => log.warn({ err: error }, 'old requests could not be deleted'),
  )

  const limits = { maxBytes: config.LOG_MAX_BYTES, maxJobs: config.LOG_MAX_JOBS }
  const door = new Door({
    whyFull: async () => {
      const { bytes } = await requests.state()
      return bytes >= config.REQUESTS_MAX_BYTES
        ? `The broker holds ${bytes} bytes of requests, the limit for new ones is ${config.REQUESTS_MAX_BYTES}.`
        : whyLogFull(await readLogState(broker), limits)
    },
    isBrokerUp: () => broker.isUp(),
    whyNoRoom: () => whyDiskFull(config.DATA_DIR),
    log,
  })
  const keys = new IdempotencyKeys({ broker, config, registry, clock, log })
  /** What a caller changed goes on at once; were this to fail, the record's own delivery does it. */
  const runEffects = async (stored: StoredRequest) => {
    try {
      // Where nothing is picked up nobody follows the records: they are listed all the same.
      if (!config.WRK_ENABLED) await store.putNewer([toRow(stored, await generation())])
      await (config.WRK_ENABLED && times.jobs.isAtOnce ? taskJobs.see(stored) : taskJobs.seeCancelled(stored))
    } catch (error) {
      log.warn({ err: error, request_id: stored.record.request_id }, 'what follows from a change waits')
    }
  }

  const router = createGuardedRouter(config, clock, log)
  workflowRoutes(router, {
    ...changeDeps,
    definitions,
    store,
    reader,
    door,
    created: metrics.created,
    types,
    services: servicesOf(config),
    keys,
    runEffects,
    clock,
    log,
  })
  const health = new Health({
    service: 'workflow',
    version: VERSION,
    clock,
    registry,
    details: () => ({ clock: clock.describe() }),
    checks: {
      broker: async () => {
        if (!broker.isUp()) throw new Error('the broker is away')
        await readLogState(broker)
        await probe.checkReady()
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
  const server = new HttpServer(app, config)

  await types.start()
  await door.start()
  await keys.start()
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
        await door.stop()
        await keys.stop()
        requests.close()
        definitionStream.close()
        publisher.close()
        await clock.stop()
        await broker.close()
        await store.close()
      },
    },
  }
})
