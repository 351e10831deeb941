import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import {
  DEFINITIONS_STREAM,
  JOB_ENDS,
  JOBS_STREAM,
  REQUEST_CHANGES,
  REQUESTS_STREAM,
  requestSubject,
} from '#shared/contracts/log/subjects.ts'
import { systemClock } from '#shared/time/clock.ts'
import { createdPublication, endPublication, newAddress, startTestBus, type TestBus } from '../../../e2e/support/bus.ts'
import { refreshLanes } from '../lanes/change-lanes.ts'
import { ensureLanes } from '../lanes/lanes.ts'
import { ConsumerPuller } from '../puller.ts'
import { Records } from '../records.ts'
import { ensureTopology } from './topology.ts'

const SOON = { deadlineMs: 10_000 }
const TOPOLOGY = { cooldownMs: 5_000, leaseMs: 2_000, replicas: 1 }

/** The current delivery of a consumer; acked, so that it is delivered once. */
async function take({ broker }: TestBus, stream: string, consumer: string): Promise<string[]> {
  const bodies: string[] = []
  const puller = new ConsumerPuller(broker, stream)
  await puller.pull({
    consumer,
    batch: 100,
    waitMs: 0,
    onDelivery: (delivery) => {
      bodies.push(delivery.body)
      puller.ack(delivery)
    },
  })
  await broker.nc.flush()
  puller.close()
  return bodies
}

async function endJob({ publisher }: TestBus): Promise<string> {
  const job = newAddress()
  const created = await publisher.publish(createdPublication(job), SOON)
  if (created.kind !== 'stored') throw new Error('not stored')
  await publisher.publish(endPublication(job, 'job:finished', created.seq), SOON)
  return job.job_id
}

const endsIn = (bodies: string[]) => bodies.map((body) => (JSON.parse(body) as { job_id: string }).job_id)

test('of a request only its newest version is kept and delivered, and only one of rivals is stored', async () => {
  await using bus = await startTestBus()
  const kind = { stream: REQUESTS_STREAM, subjectOf: requestSubject, parse: (body: string) => body, stringify: String }
  const records = new Records<string, string>(kind, { broker: bus.broker, clock: systemClock })
  const first = await records.write('r1', 'first', { afterSeq: 0 })
  const rivals = ['a', 'b', 'c'].map((body) => records.write('r1', body, { afterSeq: first?.seq ?? 0 }))
  const stored = (await Promise.all(rivals)).filter((one) => one !== null)
  expect(stored).toHaveLength(1)
  expect((await records.state()).messages).toBe(1)
  const [only, ...others] = await take(bus, REQUESTS_STREAM, REQUEST_CHANGES)
  expect(others).toEqual([])
  expect(only).toBe((await records.read('r1'))?.record)
  records.close()
})

test('a setup that runs again, as at an upgrade, keeps what the consumers have heard', async () => {
  await using bus = await startTestBus()
  const heard = await endJob(bus)
  expect(endsIn(await take(bus, JOBS_STREAM, JOB_ENDS))).toEqual([heard])
  await ensureTopology(bus.broker, TOPOLOGY)
  const next = await endJob(bus)
  expect(endsIn(await take(bus, JOBS_STREAM, JOB_ENDS))).toEqual([next])
})

test('a setup that runs again asks the broker to change nothing, and one with another lease only what has it', async () => {
  await using bus = await startTestBus()
  const { nc } = bus.broker
  const types = [null, 2].map((concurrency, n) => ({
    type: `type-${n}`,
    policy: { ...DEFAULT_POLICY, concurrency },
    payload_schema: null,
  }))
  const setUp = async (leaseMs: number) => {
    const topology = { ...TOPOLOGY, leaseMs }
    await ensureTopology(bus.broker, topology)
    for (const info of types) {
      await ensureLanes(bus.broker, info, topology)
      await refreshLanes(bus.broker, info, topology)
    }
  }
  await setUp(TOPOLOGY.leaseMs)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  // Events in which the broker reports each request to it.
  const asked: string[] = []
  nc.subscribe('$JS.EVENT.ADVISORY.API', {
    callback: (_, message) => void asked.push(message.json<{ subject: string }>().subject),
  })
  const changes = () => asked.filter((subject) => !/\.INFO(\.|$)/.test(subject))
  const isHeard = async () => (await jetstreamManager(nc)).streams.info(DEFINITIONS_STREAM).then(() => nc.flush())
  await setUp(TOPOLOGY.leaseMs)
  await isHeard()
  await expect.poll(() => asked.at(-1), { timeout: 20_000 }).toBe(`$JS.API.STREAM.INFO.${DEFINITIONS_STREAM}`)
  expect(changes()).toEqual([])
  await setUp(TOPOLOGY.leaseMs + 1)
  await expect.poll(() => changes().length, { timeout: 20_000 }).toBe(7)
  expect(changes().filter((subject) => !/CONSUMER\.(DURABLE\.)?CREATE/.test(subject))).toEqual([])
})

test('a log that an earlier version made, with jobs in it, gets what it lacks', async () => {
  await using bus = await startTestBus()
  const manager = await jetstreamManager(bus.broker.nc)
  await manager.streams.delete(JOBS_STREAM)
  await manager.streams.add({ name: JOBS_STREAM, subjects: ['job:created.>'], max_bytes: 1_000_000 })
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  await ensureTopology(bus.broker, TOPOLOGY)
  const { config, state } = await manager.streams.info(JOBS_STREAM)
  expect(config).toMatchObject({ allow_msg_ttl: true, allow_atomic: true, max_bytes: 1_000_000 })
  // More than the thousand of the broker's default: three for each job type.
  expect(config.max_consumers).toBeGreaterThan(10_000)
  expect(state.messages).toBe(1)
})

test('a consumer that was lost and is made again hears every end that the log still has', async () => {
  await using bus = await startTestBus()
  const ended = [await endJob(bus), await endJob(bus)]
  const manager = await jetstreamManager(bus.broker.nc)
  await manager.consumers.delete(JOBS_STREAM, JOB_ENDS)
  await ensureTopology(bus.broker, TOPOLOGY)
  expect(endsIn(await take(bus, JOBS_STREAM, JOB_ENDS))).toEqual(ended)
})
