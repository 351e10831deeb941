import { BrokerClock, streamInfoSubject } from '#shared/bus/broker-clock.ts'
import { connectBroker } from '#shared/bus/connection.ts'
import { readLogState } from '#shared/bus/event-feed.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { RecordStream } from '#shared/bus/record-stream.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import {
  INGEST_STREAM,
  MESSAGES_PROBE,
  MESSAGES_STREAM,
  probeSubject,
  receivedSubject,
} from '#shared/contracts/log/subjects.ts'
import { errorForLog } from '#shared/errors/foreign.ts'
import { newShortId } from '#shared/ids/ids.ts'
import { environment, makeReplicaId } from '#shared/process/config.ts'
import { createLogger } from '#shared/process/logger.ts'
import { createRegistry } from '#shared/process/metrics.ts'
import { VERSION } from '#shared/process/version.ts'
import { Health } from '#shared/service/health.ts'
import { OpsServer } from '#shared/service/ops-server.ts'
import { runService } from '#shared/service/run-service.ts'
import { MINUTE, SECOND, sleep, systemClock } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { ClaimLoop } from './claim-shards/claim-loop.ts'
import { listShards } from './claim-shards/list-shards.ts'
import { LiveReplicas } from './claim-shards/live-replicas.ts'
import { takeShard } from './claim-shards/take-shard.ts'
import { readIngestConfig } from './config.ts'
import { loadHandler } from './handlers/load-handler.ts'
import { createIngestMetrics } from './metrics.ts'
import { DeadLetters } from './own-shard/dead-letters.ts'
import { type FindRegrown, findRegrown } from './own-shard/find-regrown.ts'
import { DonePurger } from './own-shard/purge-done.ts'
import { ShardOwner } from './own-shard/shard-owner.ts'
import { ShardRecords } from './own-shard/shard-records.ts'
import { HistoryTeller } from './tell-history.ts'

const MAX_PUBLISHES_IN_FLIGHT = 10_000
/** A filtered purge stalls publishing for a moment: seldom, and of much at once. */
const PURGE_EVERY_MS = 10 * SECOND
/** Before the process ends for an error that nobody caught. */
const GIVE_BACK_MS = 1_500
/** Signs of life in the time after which a replica counts as dead: some may be lost. */
const SIGNS_PER_LEASE = 4

await runService(async () => {
  const config = readIngestConfig(environment())
  const replicaId = makeReplicaId(newShortId())
  const log = createLogger({ service: 'ingest', level: config.LOG_LEVEL, format: config.LOG_FORMAT }).child({
    replica_id: replicaId,
  })
  const handler = await loadHandler(config, replicaId)
  const broker = await connectBroker({
    url: config.NATS_URL,
    name: replicaId,
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    clock: systemClock,
    log,
  })
  const registry = createRegistry('ingest')
  const clock = await BrokerClock.start({ broker, subject: streamInfoSubject(MESSAGES_STREAM), registry, log })
  const reader = new LogReader(broker.nc, MESSAGES_STREAM)
  const probe = new WriteProbe({ broker, subject: MESSAGES_PROBE, readySubject: probeSubject('ingest'), clock })
  const publisher = new Publisher({
    broker,
    reader,
    clock,
    maxInFlight: MAX_PUBLISHES_IN_FLIGHT,
    groupCommit: config.NATS_GROUP_COMMIT,
    probe,
  })
  const ingest = new RecordStream(broker, INGEST_STREAM, clock)
  const messages = new RecordStream(broker, MESSAGES_STREAM, clock)
  const records = new ShardRecords(ingest)
  const findRegrownIn: FindRegrown = (shard, seq, storedNs) => findRegrown(reader, shard, seq, storedNs)
  const metrics = createIngestMetrics(registry)
  const pool = { batchSize: config.BATCH_SIZE, workersMin: config.WORKERS_MIN, workersMax: config.WORKERS_MAX }
  const ownerDeps = {
    broker,
    records,
    handler,
    deadLetters: new DeadLetters(publisher, clock),
    firstFrom: async (shard: number, seq: number) => (await reader.nextOf(receivedSubject(shard), seq))?.seq ?? null,
    findRegrown: findRegrownIn,
    metrics,
    clock,
    random: Math.random,
    log,
  }
  const ownerSettings = {
    ...pool,
    maxWaitMs: config.BATCH_MAX_WAIT_MS,
    workerIdleMs: config.WORKER_IDLE_MS,
    timeoutMs: config.BATCH_TIMEOUT_MS,
    attemptsMax: config.BATCH_ATTEMPTS,
    backoffMs: config.BATCH_BACKOFF_MS,
    leaseMs: config.INGEST_LEASE_MS,
  }
  const takeDeps = {
    ...pool,
    records,
    findRegrown: findRegrownIn,
    readStream: () => readLogState(broker, MESSAGES_STREAM),
    knowsWhoLives: () => clock.monotonic() - broker.upSinceMs() > config.INGEST_LEASE_MS,
    replicaId,
    clock,
    log,
  }
  const claims = new ClaimLoop({
    replicaId,
    replicas: new LiveReplicas(ingest, replicaId, config.INGEST_LEASE_MS),
    listShards: () => listShards(messages, config.SHARDS),
    take: (shard, live) => takeShard(takeDeps, shard, live),
    makeOwner: (stored) => new ShardOwner(ownerDeps, ownerSettings, stored),
    show: (owners) => metrics.show(owners),
    everyMs: config.INGEST_LEASE_MS / SIGNS_PER_LEASE,
    log,
  })
  const purger = new DonePurger(async (shard, seq) => {
    await messages.remove(receivedSubject(shard), seq - 1)
  }, findRegrownIn)
  const purge = new IntervalLoop(
    PURGE_EVERY_MS,
    () => purger.purge(claims.owners.map(({ record }) => record)),
    (error) => log.warn({ err: error }, 'what is done could not be removed'),
  )
  const history = new HistoryTeller(log)
  const tell = new IntervalLoop(
    MINUTE,
    async () => {
      history.tell(claims.owners.map(({ record }) => record))
      await Promise.resolve()
    },
    (error) => log.error({ err: error }, 'the history of the workers was not told'),
  )
  const health = new Health({
    service: 'ingest',
    version: VERSION,
    clock,
    registry,
    details: () => ({ clock: clock.describe() }),
    checks: {
      broker: async () => {
        if (!broker.isUp()) throw new Error('the broker is away')
        await ingest.state()
        await probe.checkReady()
      },
      ...(handler.check === undefined ? {} : { output: handler.check }),
    },
  })
  const ops = new OpsServer({
    health,
    routes: () => Promise.resolve(null),
    host: config.HOST,
    port: config.PORT,
    log,
  })

  await claims.start()
  purge.start()
  tell.start()
  const port = await ops.start()
  log.info({ port, shards: config.SHARDS, handler: config.INGEST_HANDLER }, 'ingest is ready')

  return {
    log,
    service: {
      foreignErrors: {
        onRejection(run, thrown) {
          metrics.unhandledRejections.inc()
          log.error({ err: errorForLog(thrown), of: run?.of ?? [] }, 'a promise was rejected that nobody awaited')
          run?.fail(thrown)
        },
        async onException(run, thrown) {
          // Nobody can tell which batch is to blame: each counts the death of its replica.
          if (run === null || !run.crash(thrown)) return
          // The batch that is has failed once more; what others run is left to the next owner.
          await Promise.race([claims.stop(GIVE_BACK_MS), sleep(2 * GIVE_BACK_MS)])
        },
      },
      async stop() {
        health.drain()
        await purge.stop()
        await tell.stop()
        history.tell(await claims.stop(config.DRAIN_MS), true)
        publisher.close()
        ingest.close()
        messages.close()
        await clock.stop()
        await broker.close()
        await ops.stop()
      },
    },
  }
})
