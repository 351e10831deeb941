import { setMaxListeners } from 'node:events'
import { whyDiskFull } from '#shared/accept/disk-room.ts'
import { Door, whyLogFull } from '#shared/accept/door.ts'
import { IdempotencyKeys } from '#shared/accept/idempotency-keys.ts'
import { JobTypes } from '#shared/accept/job-types.ts'
import { BrokerClock, streamInfoSubject } from '#shared/bus/broker-clock.ts'
import { connectBroker } from '#shared/bus/connection.ts'
import { JobHistory } from '#shared/bus/job-history.ts'
import { setConcurrency, setPaused } from '#shared/bus/lanes/change-lanes.ts'
import { tellLanesChanged } from '#shared/bus/lanes/lane-changes.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { askWorkers } from '#shared/bus/presence.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Records } from '#shared/bus/records.ts'
import { Stream } from '#shared/bus/stream.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import { JOBS_STREAM, LOG_PROBE, probeSubject } from '#shared/contracts/log/subjects.ts'
import { createApp } from '#shared/http/app.ts'
import { createGuardedRouter } from '#shared/http/guarded-router.ts'
import { HttpServer } from '#shared/http/server.ts'
import { newShortId } from '#shared/ids/ids.ts'
import { environment, makeReplicaId } from '#shared/service/config.ts'
import { Health } from '#shared/service/health.ts'
import { createLogger } from '#shared/service/logger.ts'
import { createRegistry } from '#shared/service/metrics.ts'
import { runService } from '#shared/service/service.ts'
import { VERSION } from '#shared/service/version.ts'
import { systemClock } from '#shared/time/clock.ts'
import { cancelJobRoutes } from './cancel-job/route.ts'
import { readApiConfig } from './config.ts'
import { countJobsRoutes } from './count-jobs/route.ts'
import { createBatchRoutes } from './create-batch/route.ts'
import { createJobRoutes } from './create-job/route.ts'
import { describeApiRoutes } from './describe-api/route.ts'
import { explainJobRoutes } from './explain-job/route.ts'
import { followEventsRoutes } from './follow-events/route.ts'
import { EventStreams } from './follow-events/server-sent-events.ts'
import { forwardRequestsRoutes, forwardWorkersRoutes } from './forward/route.ts'
import { findJob } from './get-job/get-job.ts'
import { getJobRoutes } from './get-job/route.ts'
import { issuingFrom } from './issue-token/issue-token.ts'
import { issueTokenRoutes } from './issue-token/route.ts'
import { typeRoutes } from './job-types/route.ts'
import { openHouse } from './keep-house/open-house.ts'
import { listJobsRoutes } from './list-jobs/route.ts'
import { messageRoutes } from './message-routes.ts'
import { createApiMetrics } from './metrics.ts'
import { openStore } from './open-store.ts'
import { Projection } from './project-events/projection.ts'
import { ProjectionView } from './project-events/projection-view.ts'
import { redriveJobsRoutes } from './redrive-jobs/route.ts'
import { rescheduleJobRoutes } from './reschedule-job/route.ts'
import { retryJobRoutes } from './retry-job/route.ts'
import { scheduleRoutes } from './schedules/route.ts'
import { ScheduleBook } from './schedules/schedule-book.ts'
import { ScheduleLoop } from './schedules/schedule-loop.ts'
import { SCHEDULE_RECORDS } from './schedules/schedule-records.ts'
import { sendCallbacks } from './send-callbacks/send-callbacks.ts'
import { showCallerRoutes } from './show-caller/route.ts'

/** Requests whose publish is under way; beyond it new ones are refused at once. */
const MAX_PUBLISHES_IN_FLIGHT = 10_000

await runService(async () => {
  const config = readApiConfig(environment())
  const replicaId = makeReplicaId(newShortId())
  const log = createLogger({ service: 'api', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
  const known = { name: `api-${replicaId}`, user: config.NATS_USER, password: config.NATS_PASSWORD }
  const broker = await connectBroker({ url: config.NATS_URL, ...known, clock: systemClock, log })
  const registry = createRegistry('api')
  const clock = await BrokerClock.start({ broker, subject: streamInfoSubject(JOBS_STREAM), registry, log })
  const stream = new Stream(broker)
  const probe = new WriteProbe({ broker, subject: LOG_PROBE, readySubject: probeSubject('api'), clock })
  const publisher = new Publisher({
    broker,
    stream,
    clock,
    maxInFlight: MAX_PUBLISHES_IN_FLIGHT,
    groupCommit: config.NATS_GROUP_COMMIT,
    probe,
  })
  const history = new JobHistory({ stream, publisher, clock })
  const store = await openStore(config)
  const metrics = createApiMetrics(registry)

  const view = new ProjectionView(store)
  const projection = new Projection({
    broker,
    stream,
    store,
    view,
    replicaId,
    onEnds: (ends) => sendCallbacks({ history, clock, log }, ends),
    clock,
    log,
    unreadable: metrics.unreadable,
    lag: metrics.lag,
  })
  const lanes = () => listLanes(broker)
  const types = new JobTypes(lanes, clock, log)
  const limits = { maxBytes: config.LOG_MAX_BYTES, maxJobs: config.LOG_MAX_JOBS }
  const isBrokerUp = () => broker.isUp()
  const whyNoRoom = () => whyDiskFull(config.DATA_DIR)
  const door = new Door({
    whyFull: async () => whyLogFull(await stream.state(), limits),
    isBrokerUp,
    whyNoRoom,
    log,
  })
  const keys = new IdempotencyKeys({ broker, config, registry, clock, log })
  const houseKeeper = openHouse({
    config,
    stream,
    history,
    projection,
    view,
    store,
    listLanes: lanes,
    limits,
    woken: metrics.woken,
    clock,
    log,
  })

  const router = createGuardedRouter(config, clock, log)
  issueTokenRoutes(router, { issuing: issuingFrom(config), clock, log })
  showCallerRoutes(router)
  // First, because `/docs` would be a job's address too.
  describeApiRoutes(router)
  const getDeps = { store, stream, history, view, clock, log }
  const stopping = new AbortController()
  // Every caller who waits listens to it.
  setMaxListeners(0, stopping.signal)
  const waitDeps = { ...getDeps, broker, stopping: stopping.signal, waiting: { count: 0 } }
  const createDeps = {
    publisher,
    stream,
    history,
    door,
    types,
    keys,
    jobExists: async (jobId: string) => (await findJob(getDeps, jobId)) !== null,
    clock,
    callbacks: { enabled: config.CALLBACKS, trustedHosts: config.OUTBOUND_TRUSTED_HOSTS },
    cooldownMs: config.COOLDOWN_MS,
    created: metrics.created,
    log,
  }
  createJobRoutes(router, { ...createDeps, wait: waitDeps })
  createBatchRoutes(router, createDeps)
  getJobRoutes(router, waitDeps)
  const streams = new EventStreams(clock)
  followEventsRoutes(router, { ...getDeps, broker, streams })
  listJobsRoutes(router, { store })
  countJobsRoutes(router, { store })
  const nextEventDeps = getDeps
  cancelJobRoutes(router, nextEventDeps)
  rescheduleJobRoutes(router, nextEventDeps)
  const retryDeps = { ...nextEventDeps, door, types }
  retryJobRoutes(router, retryDeps)
  redriveJobsRoutes(router, retryDeps)
  explainJobRoutes(router, {
    ...getDeps,
    types,
    listLanes: lanes,
    askWorkers: (waitMs, isEnough) => askWorkers(broker, waitMs, isEnough),
  })
  typeRoutes(router, {
    listLanes: lanes,
    setPaused: (type, isPaused) => setPaused(broker, type, isPaused),
    setConcurrency: (info, concurrency) => setConcurrency(broker, info, concurrency),
    tellChanged: (type) => tellLanesChanged(broker, type),
    log,
  })
  forwardWorkersRoutes(router, { jobUrls: config.JOB_URLS, log })
  forwardRequestsRoutes(router, { workflowUrls: config.WORKFLOW_URLS, trustProxy: config.TRUST_PROXY, log })
  const records = new Records(SCHEDULE_RECORDS, { broker, clock, probe })
  const book = new ScheduleBook(records, log)
  const schedules = new ScheduleLoop({ ...createDeps, records, book, isBrokerUp })
  scheduleRoutes(router, { ...createDeps, records, book })
  const messages = messageRoutes(router, { broker, config, whyNoRoom, accepted: metrics.messages, clock, log })
  const health = new Health({
    service: 'api',
    version: VERSION,
    clock,
    registry,
    details: () => ({ clock: clock.describe(), new_jobs: door.whyShut ?? 'ok' }),
    checks: {
      broker: async () => {
        if (!broker.isUp()) throw new Error('the broker is away')
        await stream.state()
        await probe.checkReady()
      },
      store: async () => {
        await store.ping()
        if (view.generation === 0) throw new Error('no replica has begun to apply the log')
      },
    },
  })
  const app = createApp({
    router,
    health,
    clock,
    log,
    trustProxy: config.TRUST_PROXY,
    corsOrigins: config.CORS_ORIGINS,
    addressLimit: {
      name: 'address',
      requests: config.RATE_LIMIT_PER_ADDRESS,
      windowS: config.RATE_LIMIT_WINDOW_S,
    },
    httpSeconds: metrics.httpSeconds,
  })
  const server = new HttpServer(app, config)

  await types.start()
  await door.start()
  await keys.start()
  await messages.start()
  projection.start()
  houseKeeper.start()
  schedules.start()
  const port = await server.start()
  log.info({ port }, 'api is ready')

  return {
    log,
    service: {
      async stop() {
        health.drain()
        stopping.abort()
        streams.stop()
        await server.stop()
        await schedules.stop()
        records.close()
        for (const one of [houseKeeper, projection, types, door, keys, messages]) await one.stop()
        publisher.close()
        await clock.stop()
        await broker.close()
        await store.close()
      },
    },
  }
})
