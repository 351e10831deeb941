import { pino } from 'pino'
import { type Broker, connectBroker } from '#shared/bus/connection.ts'
import { ensureLanes } from '#shared/bus/lanes.ts'
import { LogReader } from '#shared/bus/log-reader.ts'
import { type Publication, Publisher } from '#shared/bus/publisher.ts'
import { ensureStreams } from '#shared/bus/topology.ts'
import type { CreatedEvent } from '#shared/contracts/events.ts'
import { DEFAULT_POLICY } from '#shared/contracts/job-type.ts'
import { eventSubject, historyFilter, type JobAddress } from '#shared/contracts/subjects.ts'
import { isoTime, systemClock } from '#shared/runtime/clock.ts'
import { newJobId, newNonce } from '#shared/runtime/ids.ts'
import type { NatsServer } from '../../scripts/servers/nats.ts'
import { startTestNats } from './nats.ts'

export interface TestBus extends AsyncDisposable {
  nats: NatsServer
  broker: Broker
  reader: LogReader
  publisher: Publisher
}

export const silentLog = pino({ level: 'silent' })

/** A broker of its own with the streams and the lanes of `sleep`, and what a service uses to speak to it. */
export async function startTestBus(options: { groupCommit?: boolean; cooldownMs?: number } = {}): Promise<TestBus> {
  await using undo = new AsyncDisposableStack()
  const nats = undo.use(await startTestNats())
  const broker = await connectBroker({ url: nats.url, name: 'test', clock: systemClock, log: silentLog })
  undo.defer(() => broker.close())
  const topology = { cooldownMs: options.cooldownMs ?? 5_000, leaseMs: 2_000, replicas: 1 }
  await ensureStreams(broker.nc, topology)
  await ensureLanes(broker.nc, { type: 'sleep', policy: DEFAULT_POLICY, payload_schema: null }, topology)
  const reader = new LogReader(broker.nc)
  const publisher = new Publisher({
    broker,
    reader,
    clock: systemClock,
    maxInFlight: 10_000,
    groupCommit: options.groupCommit ?? false,
  })
  undo.defer(() => publisher.close())
  const stack = undo.move()
  return { nats, broker, reader, publisher, [Symbol.asyncDispose]: () => stack.disposeAsync() }
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
    jobId: job.job_id,
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
  jobId: job.job_id,
  expect: { seq: afterSeq, filter: historyFilter(job) },
})
