import { readLogState } from '#shared/bus/event-feed.ts'
import { RecordStream } from '#shared/bus/record-stream.ts'
import { INGEST_STREAM, MESSAGES_PROBE, MESSAGES_STREAM, receivedSubject } from '#shared/contracts/log/subjects.ts'
import { errorForLog } from '#shared/errors/foreign.ts'
import type { BaseOptions, ServiceBase } from '#shared/service/base.ts'
import { OpsServer } from '#shared/service/ops-server.ts'
import type { ForeignErrors, Running } from '#shared/service/run-service.ts'
import { MINUTE, SECOND, sleep } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { ClaimLoop } from './claim-shards/claim-loop.ts'
import { listShards } from './claim-shards/list-shards.ts'
import { LiveReplicas } from './claim-shards/live-replicas.ts'
import { type TakeShardDeps, takeShard } from './claim-shards/take-shard.ts'
import type { IngestConfig } from './config.ts'
import type { BatchHandler } from './handlers/handler.ts'
import { loadHandler } from './handlers/load-handler.ts'
import { createIngestMetrics, type IngestMetrics } from './metrics.ts'
import { DeadLetters } from './own-shard/dead-letters.ts'
import { type FindRegrown, findRegrown } from './own-shard/find-regrown.ts'
import { DonePurger } from './own-shard/purge-done.ts'
import { ShardOwner, type ShardOwnerDeps, type ShardOwnerSettings } from './own-shard/shard-owner.ts'
import { ShardRecords } from './own-shard/shard-records.ts'
import { HistoryTeller } from './tell-history.ts'

/** It reads the messages and writes what is dead among them; that it can reach its records is what makes it ready. */
export const INGEST_BASE: BaseOptions = {
  stream: MESSAGES_STREAM,
  probe: MESSAGES_PROBE,
  askBroker: ({ broker }) => readLogState(broker, INGEST_STREAM),
  replicaInLog: 'replica_id',
}

/** A filtered purge stalls publishing for a moment: seldom, and of much at once. */
const PURGE_EVERY_MS = 10 * SECOND
/** Before the process ends for an error that nobody caught. */
const GIVE_BACK_MS = 1_500
/** Signs of life in the time after which a replica counts as dead: some may be lost. */
const SIGNS_PER_LEASE = 4

type Base = ServiceBase<IngestConfig>

/** Messages in batches: takes its share of the shards, and hands what comes there to the handler. */
export async function startIngest(base: Base): Promise<Running> {
  const { config, broker, clock, log, life, health } = base
  const handler = await loadHandler(config, base.replicaId)
  if (handler.check !== undefined) health.addCheck('output', handler.check)
  const metrics = createIngestMetrics(base.registry)
  const ops = new OpsServer({
    health,
    routes: () => Promise.resolve(null),
    host: config.HOST,
    port: config.PORT,
    log,
  })
  // Answers until the very end.
  life.onEnd(() => ops.stop())
  const shards = new RecordStream(broker, INGEST_STREAM, clock)
  const messages = new RecordStream(broker, MESSAGES_STREAM, clock)
  for (const stream of [messages, shards]) life.onStop(() => stream.close())

  const claims = claimLoop(base, { shards, messages, handler, metrics })
  const history = new HistoryTeller(log)
  life.onStop(async () => history.tell(await claims.stop(config.DRAIN_MS), true))
  await claims.start()
  await life.start(tellLoop(base, history, claims))
  await life.start(purgeLoop(base, messages, claims))
  const port = await ops.start()
  log.info({ port, shards: config.SHARDS, handler: config.INGEST_HANDLER }, 'ingest is ready')
  return { port, foreignErrors: foreignErrors(base, claims, metrics) }
}

interface ClaimDeps {
  shards: RecordStream
  messages: RecordStream
  handler: BatchHandler
  metrics: IngestMetrics
}

function claimLoop(base: Base, { shards, messages, handler, metrics }: ClaimDeps): ClaimLoop {
  const { config, replicaId, reader, clock, broker } = base
  const deps: ShardOwnerDeps & TakeShardDeps = {
    ...base,
    records: new ShardRecords(shards),
    handler,
    deadLetters: new DeadLetters(base.publisher, clock),
    firstFrom: async (shard, seq) => (await reader.nextOf(receivedSubject(shard), seq))?.seq ?? null,
    findRegrown: findRegrownOf(base),
    metrics,
    random: Math.random,
    readStream: () => readLogState(broker, MESSAGES_STREAM),
    knowsWhoLives: () => clock.monotonic() - broker.upSinceMs() > config.INGEST_LEASE_MS,
    workersMin: config.WORKERS_MIN,
    workersMax: config.WORKERS_MAX,
  }
  return new ClaimLoop({
    replicaId,
    replicas: new LiveReplicas(shards, replicaId, config.INGEST_LEASE_MS),
    listShards: () => listShards(messages, config.SHARDS),
    take: (shard, live) => takeShard(deps, shard, live),
    makeOwner: (stored) => new ShardOwner(deps, ownerSettings(config), stored),
    show: (owners) => metrics.show(owners),
    everyMs: config.INGEST_LEASE_MS / SIGNS_PER_LEASE,
    log: base.log,
  })
}

const findRegrownOf =
  ({ reader }: Base): FindRegrown =>
  (shard, seq, storedNs) =>
    findRegrown(reader, shard, seq, storedNs)

const ownerSettings = (config: IngestConfig): ShardOwnerSettings => ({
  batchSize: config.BATCH_SIZE,
  workersMin: config.WORKERS_MIN,
  workersMax: config.WORKERS_MAX,
  maxWaitMs: config.BATCH_MAX_WAIT_MS,
  workerIdleMs: config.WORKER_IDLE_MS,
  timeoutMs: config.BATCH_TIMEOUT_MS,
  attemptsMax: config.BATCH_ATTEMPTS,
  backoffMs: config.BATCH_BACKOFF_MS,
  leaseMs: config.INGEST_LEASE_MS,
})

/** Removes from the stream what is done. */
function purgeLoop(base: Base, messages: RecordStream, claims: ClaimLoop): IntervalLoop {
  const purger = new DonePurger(async (shard, seq) => {
    await messages.remove(receivedSubject(shard), seq - 1)
  }, findRegrownOf(base))
  return new IntervalLoop(
    PURGE_EVERY_MS,
    () => purger.purge(claims.owners.map(({ record }) => record)),
    (error) => base.log.warn({ err: error }, 'what is done could not be removed'),
  )
}

/** Says in the log what its workers did. */
function tellLoop({ log }: Base, history: HistoryTeller, claims: ClaimLoop): IntervalLoop {
  return new IntervalLoop(
    MINUTE,
    async () => {
      history.tell(claims.owners.map(({ record }) => record))
      await Promise.resolve()
    },
    (error) => log.error({ err: error }, 'the history of the workers was not told'),
  )
}

const foreignErrors = ({ log }: Base, claims: ClaimLoop, metrics: IngestMetrics): ForeignErrors => ({
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
})
