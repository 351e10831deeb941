import { jetstreamManager } from '@nats-io/jetstream'
import { pino } from 'pino'
import { type Broker, connectBroker } from '#shared/bus/connection.ts'
import { JobHistory } from '#shared/bus/job-history.ts'
import { ensureLanes } from '#shared/bus/lanes/lanes.ts'
import type { Publication } from '#shared/bus/publication.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Stream } from '#shared/bus/stream.ts'
import { ensureTopology } from '#shared/bus/topology/topology.ts'
import type { CreatedEvent } from '#shared/contracts/log/events.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { eventSubject, historyFilter, type JobAddress } from '#shared/contracts/log/subjects.ts'
import { newJobId, newNonce } from '#shared/ids/ids.ts'
import { isoTime, systemClock } from '#shared/time/clock.ts'
import type { NatsServer } from '../../scripts/servers/nats.ts'
import { startTestNats } from './nats.ts'

export interface TestBus extends OpenBus {
  nats: NatsServer
}

export interface OpenBus extends AsyncDisposable {
  broker: Broker
  /** The log of jobs. */
  stream: Stream
  history: JobHistory
  publisher: Publisher
}

export const silentLog = pino({ level: 'silent' })

/** A private broker with the streams and the lanes of `sleep`, and the parts by which a service speaks to it. */
export async function startTestBus(options: { groupCommit?: boolean; cooldownMs?: number } = {}): Promise<TestBus> {
  await using undo = new AsyncDisposableStack()
  const nats = undo.use(await startTestNats())
  const bus = undo.use(await openBus(nats.url, options.groupCommit))
  const { broker } = bus
  const topology = { cooldownMs: options.cooldownMs ?? 5_000, leaseMs: 2_000, replicas: 1 }
  await ensureTopology(broker, topology)
  await ensureLanes(broker, { type: 'sleep', policy: DEFAULT_POLICY, payload_schema: null }, topology)
  const stack = undo.move()
  return { ...bus, nats, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** The parts by which a service speaks to an existing broker. */
export async function openBus(url: string, groupCommit = false): Promise<OpenBus> {
  const broker = await connectBroker({ url, name: 'test', clock: systemClock, log: silentLog })
  const stream = new Stream(broker)
  const publisher = new Publisher({ broker, stream, clock: systemClock, maxInFlight: 10_000, groupCommit })
  return {
    broker,
    stream,
    publisher,
    history: new JobHistory({ stream, publisher, clock: systemClock }),
    async [Symbol.asyncDispose]() {
      publisher.close()
      await broker.close()
    },
  }
}

/** Puts an empty stream in the place of this one, which counts from 1 again. */
export async function replaceStream({ nc }: Broker, name: string): Promise<void> {
  const { streams } = await jetstreamManager(nc)
  const { config } = await streams.info(name)
  await streams.delete(name)
  await streams.add(config)
}

export const newAddress = (): JobAddress => ({ type: 'sleep', priority: 'normal', job_id: newJobId(systemClock.now()) })

/** A whole `job:created`, as the api publishes it. */
export function createdPublication(job: JobAddress, msgId?: string): Publication {
  const at = new Date().toISOString()
  const event: CreatedEvent = {
    event: 'job:created',
    ...job,
    object_id: job.job_id,
    at,
    created_at: at,
    round: 1,
    attempt: 1,
    crashes: 0,
    timeout_ms: 1_000,
    max_attempts: 3,
    backoff: DEFAULT_POLICY.backoff,
  }
  return {
    subject: eventSubject('job:created', job),
    body: JSON.stringify(event),
    nonce: newNonce(),
    conflictKey: job.job_id,
    ...(msgId === undefined ? {} : { msgId }),
  }
}

/** A terminal event of the job, compared with the sequence. */
export const endPublication = (
  job: JobAddress,
  name: 'job:finished' | 'job:cancelled',
  afterSeq: number,
): Publication => ({
  subject: eventSubject(name, job),
  body: JSON.stringify({
    event: name,
    job_id: job.job_id,
    object_id: job.job_id,
    type: job.type,
    at: isoTime(systemClock.now()),
    ...(name === 'job:cancelled' ? { reason: 'requested' } : { attempt: 1, worker_id: 'test' }),
  }),
  nonce: newNonce(),
  conflictKey: job.job_id,
  expect: { seq: afterSeq, filter: historyFilter(job) },
})
