import { streamInfoSubject } from '#shared/bus/api-subjects.ts'
import { BrokerClock } from '#shared/bus/broker-clock.ts'
import { type Broker, connectBroker } from '#shared/bus/connection.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Stream } from '#shared/bus/stream.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import { LOG_PROBE, probeSubject } from '#shared/contracts/log/subjects.ts'
import { newShortId } from '#shared/ids/ids.ts'
import { makeReplicaId } from '#shared/process/config.ts'
import { switchLevelOnSignal } from '#shared/process/log-level.ts'
import { createLogger, type Logger, type LoggerOptions } from '#shared/process/logger.ts'
import { createRegistry, type Registry } from '#shared/process/metrics.ts'
import { VERSION } from '#shared/process/version.ts'
import { systemClock } from '#shared/time/clock.ts'
import { openTracing } from '#shared/trace/open-tracing.ts'
import type { Tracing } from '#shared/trace/tracing.ts'
import { Health } from './health.ts'
import { Lifecycle } from './lifecycle.ts'

export type ServiceName = 'api' | 'job' | 'workflow' | 'ingest' | 'keeper'

/** The settings of every service that are needed here. */
export interface BaseConfig {
  NATS_URL: string
  NATS_USER?: string | undefined
  NATS_PASSWORD?: string | undefined
  NATS_GROUP_COMMIT: boolean
  LOG_LEVEL: string
  LOG_FORMAT?: LoggerOptions['format']
}

/** Differences between services; by default a service reads the log of jobs and writes to it. */
export interface BaseOptions {
  /** The name of the stream. */
  stream?: string
  /** A subject of that stream that `probe` writes to, to find out whether the stream can store anything. */
  probe?: string
  /** The subject by which the clock asks the broker for its time: one that the service's user may use. */
  clockSubject?: string
  /** Number of publishes under way beyond which new ones are refused at once. */
  maxInFlight?: number
  /** The question that readiness asks the broker: one that the service's user may ask. */
  askBroker?: (asked: { broker: Broker; stream: Stream }) => Promise<unknown>
  /** The member that names the replica in each line of the log; without it no line does. */
  replicaInLog?: string
  /** It is the only service of this process, which takes the signals that concern it. */
  isOwnProcess?: boolean
}

const MAX_IN_FLIGHT = 10_000

/** The parts that every service begins with. */
export interface ServiceBase<C> {
  name: ServiceName
  config: C
  /** Readable, and unique for the life of this replica. */
  replicaId: string
  log: Logger
  broker: Broker
  /** The broker's time. */
  clock: BrokerClock
  /** The stream that the service works on: the log of jobs, unless the options say otherwise. */
  stream: Stream
  /** Publishes to that stream. */
  publisher: Publisher
  probe: WriteProbe
  registry: Registry
  /** null: no spans are recorded. */
  tracing: Tracing | null
  health: Health
  /** The started parts, which stop in the opposite order. */
  life: Lifecycle
}

/** Connects to the broker; a failure half-way undoes everything that was started. */
export async function openBase<C extends BaseConfig>(
  name: ServiceName,
  config: C,
  options: BaseOptions = {},
): Promise<ServiceBase<C>> {
  const { maxInFlight = MAX_IN_FLIGHT } = options
  const replicaId = makeReplicaId(newShortId())
  const log = openLog(name, config, replicaId, options)
  const life = new Lifecycle()
  const tracing = await openTracing({ service: name, replicaId, log })
  life.onEnd(() => tracing?.stop())
  const broker = await connectBroker({
    url: config.NATS_URL,
    name: `${name}-${replicaId}`,
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    clock: systemClock,
    log,
  })
  life.onStop(() => broker.close())
  const registry = createRegistry(name)
  const stream = new Stream(broker, options.stream)
  const clockSubject = options.clockSubject ?? streamInfoSubject(stream.name)
  const clock = await BrokerClock.start({ broker, subject: clockSubject, registry, log })
  life.onStop(() => clock.stop())
  const probe = new WriteProbe({
    broker,
    subject: options.probe ?? LOG_PROBE,
    readySubject: probeSubject(name),
    clock,
  })
  const publisher = new Publisher({ broker, stream, clock, maxInFlight, groupCommit: config.NATS_GROUP_COMMIT, probe })
  life.onStop(() => publisher.close())
  const health = new Health({ service: name, version: VERSION, clock, registry })
  health.addDetail('clock', () => clock.describe())
  const { askBroker = () => stream.state() } = options
  health.addCheck('broker', async () => {
    if (!broker.isUp()) throw new Error('the broker is away')
    await askBroker({ broker, stream })
    await probe.checkReady()
  })
  return { name, config, replicaId, log, broker, clock, stream, publisher, probe, registry, tracing, health, life }
}

function openLog(
  name: ServiceName,
  config: BaseConfig,
  replicaId: string,
  { replicaInLog, isOwnProcess = false }: BaseOptions,
): Logger {
  const members = replicaInLog === undefined ? {} : { [replicaInLog]: replicaId }
  const log = createLogger({ service: name, level: config.LOG_LEVEL, format: config.LOG_FORMAT, members })
  if (isOwnProcess) switchLevelOnSignal(log)
  return log
}
