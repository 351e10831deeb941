import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test, vi } from 'vitest'
import { DEFAULT_POLICY, type JobTypeInfo } from '#shared/contracts/log/job-type.ts'
import { JOBS_STREAM, laneName, PROJECTION } from '#shared/contracts/log/subjects.ts'
import { createdPublication, newAddress, startTestBus, type TestBus } from '../../../e2e/support/bus.ts'
import { StreamFeed } from '../feed.ts'
import { ConsumerPuller, type Delivery, type PullResult } from '../puller.ts'
import { refreshLanes, setConcurrency, setPaused } from './change-lanes.ts'
import { watchLaneChanges } from './lane-changes.ts'
import { ensureLane, ensureLanes, lanesOfShape, lanesOfType, listLanes } from './lanes.ts'

const SOON = { deadlineMs: 10_000 }
const LANE = laneName('sleep', 'normal')

async function pull(
  puller: ConsumerPuller,
  batch: number,
  waitMs = 0,
): Promise<PullResult & { deliveries: Delivery[] }> {
  const deliveries: Delivery[] = []
  const result = await puller.pull({
    consumer: LANE,
    batch,
    waitMs,
    onDelivery: (delivery) => deliveries.push(delivery),
  })
  return { ...result, deliveries }
}

test('a pull gives at most what was asked for, in order, and says when nothing is left', async () => {
  await using bus = await startTestBus()
  const jobs = Array.from({ length: 5 }, newAddress)
  for (const job of jobs) await bus.publisher.publish(createdPublication(job), SOON)
  const puller = new ConsumerPuller(bus.broker)
  const first = await pull(puller, 3)
  const second = await pull(puller, 3)
  expect([...first.deliveries, ...second.deliveries].map(({ subject }) => subject.split('.')[3])).toEqual(
    jobs.map(({ job_id }) => job_id),
  )
  expect(second).toMatchObject({ received: 2, end: 'done' })
  expect(await pull(puller, 3)).toMatchObject({ received: 0, end: 'done' })
  puller.close()
})

test('a waiting pull gets a message the moment it is stored', async () => {
  await using bus = await startTestBus()
  const puller = new ConsumerPuller(bus.broker)
  const waiting = pull(puller, 3, 5_000)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  expect(await waiting).toMatchObject({ received: 1, end: 'done' })
  puller.close()
})

test('of two pulls that wait at a paused lane the second is sent back, and a nudge wakes the first on resume', async () => {
  await using bus = await startTestBus()
  await setPaused(bus.broker, 'sleep', true)
  const [first, second] = [new ConsumerPuller(bus.broker), new ConsumerPuller(bus.broker)]
  const waiting = pull(first, 3, 20_000)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  // Asked again at once, and again, it would keep a worker and the broker busy for as long as the pause.
  await vi.waitFor(async () => expect(await pull(second, 1, 1_000)).toMatchObject({ received: 0, end: 'early' }), {
    timeout: 20_000,
  })
  await setPaused(bus.broker, 'sleep', false)
  first.nudge(LANE)
  const nudgedAtMs = performance.now()
  expect(await waiting).toMatchObject({ received: 1, end: 'done' })
  // Not at the end of its time, which is far away.
  expect(performance.now() - nudgedAtMs).toBeLessThan(10_000)
  for (const puller of [first, second]) puller.close()
})

test('what was handed back comes again, and what was acked does not', async () => {
  await using bus = await startTestBus()
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  const puller = new ConsumerPuller(bus.broker)
  const [delivery] = (await pull(puller, 1)).deliveries
  if (delivery === undefined) throw new Error('nothing came')
  puller.nak(delivery)
  const [again] = (await pull(puller, 1, 2_000)).deliveries
  expect(again).toMatchObject({ seq: delivery.seq, deliveries: 2 })
  if (again !== undefined) puller.ack(again)
  await expect
    .poll(async () => (await listLanes(bus.broker)).map(({ ackPending }) => ackPending), { timeout: 20_000 })
    .toEqual([0, 0, 0])
  puller.close()
})

test('lanes say what their type is, and making them again changes nothing', async () => {
  await using bus = await startTestBus()
  const changed = { type: 'sleep', policy: { ...DEFAULT_POLICY, timeout_ms: 1 }, payload_schema: { type: 'object' } }
  await ensureLanes(bus.broker, changed, { leaseMs: 9_000 })
  const lanes = await listLanes(bus.broker)
  expect(lanes.map(({ name }) => name).toSorted()).toEqual(['work-sleep-high', 'work-sleep-low', 'work-sleep-normal'])
  for (const lane of lanes) expect(lane.info).toEqual({ type: 'sleep', policy: DEFAULT_POLICY, payload_schema: null })
})

test('setup brings lanes to what the settings say now, and leaves what an operator changed', async () => {
  await using bus = await startTestBus()
  const manager = await jetstreamManager(bus.broker.nc)
  const limited = { type: 'scarce', policy: { ...DEFAULT_POLICY, concurrency: 2 }, payload_schema: null }
  const topology = { cooldownMs: 1_000, leaseMs: 2_000, replicas: 1 }
  await ensureLanes(bus.broker, limited, topology)
  await manager.consumers.update(JOBS_STREAM, 'work-scarce-any', { max_ack_pending: 7 })
  const now = { ...limited, policy: { ...limited.policy, timeout_ms: 5 }, payload_schema: { type: 'object' } }
  await refreshLanes(bus.broker, now, { ...topology, leaseMs: 4_000 })
  const { config } = await manager.consumers.info(JOBS_STREAM, 'work-scarce-any')
  expect(config).toMatchObject({ max_ack_pending: 7, ack_wait: 4_000_000_000 })
  const [lane] = (await listLanes(bus.broker)).filter(({ type }) => type === 'scarce')
  expect(lane?.info).toEqual(now)
  expect(await ensureLanes(bus.broker, now, topology)).toBe(4_000)
})

test('a type that gets a limit keeps one lane, and what waited comes through it', async () => {
  await using bus = await startTestBus()
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  const limited = { type: 'sleep', policy: { ...DEFAULT_POLICY, concurrency: 2 }, payload_schema: null }
  const topology = { cooldownMs: 1_000, leaseMs: 2_000, replicas: 1 }
  await ensureLanes(bus.broker, limited, topology)
  await refreshLanes(bus.broker, limited, topology)
  expect((await listLanes(bus.broker)).map(({ name, pending }) => ({ name, pending }))).toEqual([
    { name: 'work-sleep-any', pending: 1 },
  ])
})

test('a limit that changes while jobs wait and run comes with all of them, in both directions', async () => {
  await using bus = await startTestBus()
  const jobs = Array.from({ length: 6 }, newAddress)
  for (const job of jobs) await bus.publisher.publish(createdPublication(job), SOON)
  const puller = new ConsumerPuller(bus.broker)
  const [first, second] = (await pull(puller, 3)).deliveries
  for (const done of [first, second]) if (done !== undefined) puller.ack(done)
  await expect.poll(async () => (await lanesOf(bus)).map(({ pending }) => pending), SOON_POLL).toEqual([0, 0, 3])
  await refreshLanes(bus.broker, typeWithLimit(2), TOPOLOGY)
  expect(await lanesOf(bus)).toMatchObject([{ name: 'work-sleep-any', limit: 2, pending: 4 }])
  await refreshLanes(bus.broker, typeWithLimit(5), TOPOLOGY)
  expect(await lanesOf(bus)).toMatchObject([{ name: 'work-sleep-any', limit: 5, pending: 4 }])
  await refreshLanes(bus.broker, typeWithLimit(null), TOPOLOGY)
  const lanes = await lanesOf(bus)
  expect(lanes.map(({ name, pending }) => [name, pending])).toEqual([
    ['work-sleep-high', 0],
    ['work-sleep-low', 0],
    ['work-sleep-normal', 4],
  ])
  puller.close()
})

test.each<[string, number | null, number | null]>([
  ['gets a limit', null, 2],
  ['loses its limit', 2, null],
])('setup ends the change of a type that %s, where an earlier setup was cut short in it', async (_, before, after) => {
  await using bus = await startTestBus()
  await refreshLanes(bus.broker, typeWithLimit(before), TOPOLOGY)
  // The state that the interrupted change left: a lane of the new shape beside those of the old one.
  const [priority] = lanesOfShape(after)
  if (priority === undefined) throw new Error('there is no such shape')
  await ensureLane(bus.broker, typeWithLimit(after), priority, {
    concurrency: after,
    leaseMs: 2_000,
    startSeq: null,
    isPaused: false,
  })
  await refreshLanes(bus.broker, typeWithLimit(after), TOPOLOGY)
  const lanes = await lanesOf(bus)
  expect(lanes.map(({ limit }) => limit)).toEqual(after === null ? [null, null, null] : [after])
})

test('30 races between two changes of a limit leave a type with all its lanes', async () => {
  await using bus = await startTestBus()
  const info = { type: 'sleep', policy: DEFAULT_POLICY, payload_schema: null }
  for (let round = 0; round < 30; round++) {
    await Promise.allSettled([
      setConcurrency(bus.broker, info, 5),
      setConcurrency(bus.broker, info, round % 2 === 0 ? null : 3),
    ])
    const names = (await listLanes(bus.broker)).map(({ name }) => name.split('-')[2] ?? '').toSorted()
    expect([['any'], ['high', 'low', 'normal']]).toContainEqual(names)
  }
})

test('a type with a concurrency limit has one lane that holds it', async () => {
  await using bus = await startTestBus()
  const limited = { type: 'scarce', policy: { ...DEFAULT_POLICY, concurrency: 2 }, payload_schema: null }
  await ensureLanes(bus.broker, limited, { leaseMs: 2_000 })
  const manager = await jetstreamManager(bus.broker.nc)
  expect((await manager.consumers.info(JOBS_STREAM, 'work-scarce-any')).config.max_ack_pending).toBe(2)
})

test('the feed gives every history event once, in order, from where it is told', async () => {
  await using bus = await startTestBus()
  for (let i = 0; i < 20; i++) await bus.publisher.publish(createdPublication(newAddress()), SOON)
  const feed = await StreamFeed.open(bus.broker, 6)
  const seqs: number[] = []
  while (seqs.length < 15) seqs.push(...(await feed.next()).map(({ seq }) => seq))
  expect(seqs).toEqual(Array.from({ length: 15 }, (_, i) => i + 6))
  feed.close()
})

test('a feed whose broker was killed says so, and the next one goes on', async () => {
  await using bus = await startTestBus()
  const feed = await StreamFeed.open(bus.broker, 1)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  expect(await feed.next()).toHaveLength(1)
  await bus.nats.kill('SIGKILL')
  await bus.nats.restart()
  await expect(drainFeed(feed)).rejects.toThrow(/gone|gap/)
  await expect
    .poll(
      () =>
        bus.stream
          .state()
          .then(({ lastSeq }) => lastSeq)
          .catch(() => 0),
      { timeout: 10_000 },
    )
    .toBe(1)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  const next = await StreamFeed.open(bus.broker, 2)
  expect((await next.next()).map(({ seq }) => seq)).toEqual([2])
})

test('a feed that another replica took over gives nothing of the other one’s', async () => {
  await using bus = await startTestBus()
  const frozen = await StreamFeed.open(bus.broker, 1)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  const next = await StreamFeed.open(bus.broker, 1)
  await expect(frozen.next()).rejects.toThrow(/gone|gap/)
  next.close()
})

test('a feed from which a message was lost on its way says so, also when nothing comes after it', async () => {
  await using bus = await startTestBus()
  const feed = await StreamFeed.open(bus.broker, 1)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  expect(await feed.next()).toHaveLength(1)
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  // Somebody else gets it, as when it was sent on a connection that broke.
  const stolen = Promise.withResolvers<void>()
  bus.broker.nc.subscribe('elsewhere.>', { callback: () => stolen.resolve() })
  bus.broker.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${JOBS_STREAM}.${PROJECTION}`, '{"batch":1}', {
    reply: 'elsewhere.a',
  })
  await stolen.promise
  await expect(drainFeed(feed)).rejects.toThrow('gap')
})

const TOPOLOGY = { cooldownMs: 1_000, leaseMs: 2_000, replicas: 1 }
const SOON_POLL = { timeout: 20_000 }

const typeWithLimit = (concurrency: number | null): JobTypeInfo => ({
  type: 'sleep',
  policy: { ...DEFAULT_POLICY, concurrency },
  payload_schema: null,
})

const lanesOf = async (bus: TestBus) => (await listLanes(bus.broker)).toSorted((a, b) => (a.name < b.name ? -1 : 1))

async function drainFeed(feed: StreamFeed): Promise<void> {
  for (let i = 0; i < 20; i++) await feed.next()
}

test('lanes say since when a message is in one of them alone, and say nothing while they are replaced', async () => {
  await using bus = await startTestBus()
  const { broker, publisher } = bus
  const store = () => publisher.publish(createdPublication(newAddress()), SOON)
  const info: JobTypeInfo = { type: 'sleep', policy: DEFAULT_POLICY, payload_schema: null }
  const topology = { cooldownMs: 5_000, leaseMs: 2_000, replicas: 1 }
  const aloneSince = async () => (await lanesOfType(broker, 'sleep')).aloneSince
  await store()
  expect(await aloneSince()).toBeNull()
  await refreshLanes(broker, info, topology)
  expect(await aloneSince()).toBe(1)
  await store()
  await refreshLanes(broker, info, topology)
  expect(await aloneSince()).toBe(1)

  const told = Promise.withResolvers<number | null>()
  const unwatch = watchLaneChanges(broker, {
    onChanging: () => void aloneSince().then(told.resolve, told.reject),
    onChanged: () => undefined,
  })
  await setConcurrency(broker, info, 3)
  expect(await told.promise).toBeNull()
  expect(await aloneSince()).toBe(2)
  unwatch()
  await store()
  // Another limit replaces no lane.
  await setConcurrency(broker, info, 4)
  expect(await aloneSince()).toBe(2)
})

test('what a pull brought that was given up here says when that pull was asked, also within the next one', async () => {
  await using bus = await startTestBus()
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  const puller = new ConsumerPuller(bus.broker)
  const first = pull(puller, 1)
  bus.broker.outbox.flush()
  // The request is on its way after this turn of the loop, in which nothing is read.
  await new Promise(setImmediate)
  const askedFirstMs = performance.now()
  // A loop that is blocked runs its timers first: the pull's own comes before the message.
  while (performance.now() < askedFirstMs + 1_200);
  expect(await first).toMatchObject({ received: 0, end: 'gone' })
  const second = await pull(puller, 1)
  expect(second).toMatchObject({ received: 1 })
  expect(second.deliveries[0]?.asked.monotonicMs).toBeLessThan(askedFirstMs)

  // The broker's answer to a later pull shows that nothing of the first is left.
  expect(await pull(puller, 1)).toMatchObject({ received: 0, end: 'done' })
  await bus.publisher.publish(createdPublication(newAddress()), SOON)
  const askedMs = performance.now()
  const third = await pull(puller, 1)
  expect(third.deliveries[0]?.asked.monotonicMs).toBeGreaterThanOrEqual(askedMs)
  puller.close()
})
