import { Records } from '#shared/bus/records.ts'
import { Stream } from '#shared/bus/stream.ts'
import { SHARD_RECORDS } from '#shared/contracts/log/ingest.ts'
import { INGEST_STREAM, MESSAGES_PROBE, MESSAGES_STREAM } from '#shared/contracts/log/subjects.ts'
import { errorForLog } from '#shared/errors/foreign.ts'
import type { BaseOptions, ServiceBase } from '#shared/service/base.ts'
import { OpsServer } from '#shared/service/ops-server.ts'
import type { ForeignErrors, Running } from '#shared/service/run-service.ts'
import { MINUTE, SECOND, sleep } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { ClaimLoop } from './claim-shards/claim-loop.ts'
import { LiveReplicas, REPLICA_SIGNS, type ReplicaSigns } from './claim-shards/live-replicas.ts'
import { type TakeShardDeps, takeShard } from './claim-shards/take-shard.ts'
import type { IngestConfig } from './config.ts'
import type { BatchHandler } from './handlers/handler.ts'
import { loadHandler } from './handlers/load-handler.ts'
import { MessageStream } from './message-stream.ts'
import { createIngestMetrics, type IngestMetrics } from './metrics.ts'
import { DeadLetters } from './own-shard/dead-letters.ts'
import type { ShardRecords } from './own-shard/ownership.ts'
import { DonePurger } from './own-shard/purge-done.ts'
import { ShardOwner, type ShardOwnerDeps, type ShardOwnerSettings } from './own-shard/shard-owner.ts'
import { WorkerReport } from './worker-report.ts'

/**
 * Options of the base. The service reads the messages and writes dead ones; it is ready when it can reach its records.
 */
export const INGEST_BASE: BaseOptions = {
  stream: MESSAGES_STREAM,
  probe: MESSAGES_PROBE,
  askBroker: ({ broker }) => new Stream(broker, INGEST_STREAM).state(),
  replicaInLog: 'replica_id',
}

/** Period of the purge. A filtered purge stalls publishing for a moment, so purges are rare and large. */
const PURGE_EVERY_MS = 10 * SECOND
/** Time to give shards back before the process ends because of an uncaught error. */
const GIVE_BACK_MS = 1_500
/** Heartbeats in the time after which a replica counts as dead: some may be lost. */
const SIGNS_PER_LEASE = 4

type Base = ServiceBase<IngestConfig>

/**
 * Starts the service that processes messages in batches: it takes its share of the shards, and hands their messages to
 * the handler.
 */
export async function startIngest(base: Base): Promise<Running> {
  const { config, broker, clock, log, life, health } = base
  const handler = await loadHandler(config, base.replicaId)
  if (handler.check !== undefined) health.addCheck('output', handler.check)
  const metrics = createIngestMetrics(base.registry)
  const ops = new OpsServer({ health, host: config.HOST, port: config.PORT, log })
  // The server answers until the very end.
  life.onEnd(() => ops.stop())
  const records = new Records(SHARD_RECORDS, { broker, clock })
  const signs = new Records(REPLICA_SIGNS, { broker, clock })
  for (const each of [records, signs]) life.onStop(() => each.close())
  const messages = new MessageStream(base.stream)

  const claims = claimLoop(base, { records, signs, messages, handler, metrics })
  const report = new WorkerReport(log)
  life.onStop(async () => report.log(await claims.stop(config.DRAIN_MS), true))
  await claims.start()
  await life.start(reportLoop(base, report, claims))
  await life.start(purgeLoop(base, messages, claims))
  const port = await ops.start()
  log.info({ port, shards: config.SHARDS, handler: config.INGEST_HANDLER }, 'ingest is ready')
  return { port, foreignErrors: foreignErrors(base, claims, metrics) }
}

interface ClaimDeps {
  records: ShardRecords
  signs: ReplicaSigns
  messages: MessageStream
  handler: BatchHandler
  metrics: IngestMetrics
}

function claimLoop(base: Base, { records, signs, messages, handler, metrics }: ClaimDeps): ClaimLoop {
  const { config, replicaId, clock, broker } = base
  const deps: ShardOwnerDeps & TakeShardDeps = {
    ...base,
    records,
    messages,
    handler,
    deadLetters: new DeadLetters(base.publisher, clock),
    metrics,
    random: Math.random,
    livenessIsKnown: () => clock.monotonic() - broker.upSinceMs() > config.INGEST_LEASE_MS,
    workersMin: config.WORKERS_MIN,
    workersMax: config.WORKERS_MAX,
  }
  return new ClaimLoop({
    replicaId,
    replicas: new LiveReplicas(signs, replicaId, config.INGEST_LEASE_MS),
    listShards: () => messages.shards(config.SHARDS),
    take: (shard, live) => takeShard(deps, shard, live),
    makeOwner: (stored) => new ShardOwner(deps, ownerSettings(config), stored),
    show: (owners) => metrics.show(owners),
    everyMs: config.INGEST_LEASE_MS / SIGNS_PER_LEASE,
    log: base.log,
  })
}

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

/** Removes processed messages from the stream. */
function purgeLoop(base: Base, messages: MessageStream, claims: ClaimLoop): IntervalLoop {
  const purger = new DonePurger(messages)
  return new IntervalLoop(
    PURGE_EVERY_MS,
    () => purger.purge(claims.owners.map(({ record }) => record)),
    (error) => base.log.warn({ err: error }, 'could not remove processed messages'),
  )
}

/** Logs the totals of its workers. */
function reportLoop({ log }: Base, report: WorkerReport, claims: ClaimLoop): IntervalLoop {
  return new IntervalLoop(
    MINUTE,
    async () => {
      report.log(claims.owners.map(({ record }) => record))
      await Promise.resolve()
    },
    (error) => log.error({ err: error }, 'could not log worker totals'),
  )
}

const foreignErrors = ({ log }: Base, claims: ClaimLoop, metrics: IngestMetrics): ForeignErrors => ({
  onRejection(run, thrown) {
    metrics.unhandledRejections.inc()
    log.error({ err: errorForLog(thrown), of: run?.of ?? [] }, 'unhandled rejection of a promise that nobody awaited')
    run?.fail(thrown)
  },
  async onException(run, thrown) {
    // Nobody can tell which batch is to blame: each counts the death of its replica.
    if (run === null || !run.crash(thrown)) return
    // The batch to blame has failed once more; other batches are left to the next owner.
    await Promise.race([claims.stop(GIVE_BACK_MS), sleep(2 * GIVE_BACK_MS)])
  },
})
