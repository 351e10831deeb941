import { jetstreamManager } from '@nats-io/jetstream'
import { expect, test, vi } from 'vitest'
import { ensureTopology } from '#shared/bus/topology/topology.ts'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { systemClock } from '#shared/time/clock.ts'
import { SharedReader, watchAll } from '../../services/api/events/shared-reader.ts'
import { createdPublication, newAddress, startTestBus, type TestBus } from '../support/bus.ts'
import { EventReader } from '../support/event-reader.ts'
import { connectTest, readLog } from '../support/read-log.ts'

const SOON = { timeout: 20_000, interval: 50 }
const ALL = { tenant: null, type: null, tag: null }
/** So small that a reader who stalls for a moment falls out of it. */
const LIMITS = { maxEvents: 20, maxBytes: 1_000_000 }

function followersOf(bus: TestBus) {
  const common = { stream: bus.stream, clock: systemClock, ownerOf: async () => null }
  const shared = new SharedReader({ ...common, limits: LIMITS, watch: watchAll(bus.broker) })
  const readers: EventReader[] = []
  return {
    open: (afterSeq: number | null) => {
      const reader = new EventReader({ ...common, shared }, ALL, afterSeq)
      readers.push(reader)
      return reader
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(readers.map((reader) => reader.leave()))
    },
  }
}

/** Publishes events one after the other; one that is not acked may be stored or not. */
async function publish({ publisher }: TestBus, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await publisher.publish(createdPublication(newAddress())).catch(() => undefined)
}

async function idsOf({ nats }: TestBus): Promise<number[]> {
  const nc = await connectTest(nats.url)
  const log = await readLog(nc)
  await nc.close()
  return log.map(({ seq }) => seq)
}

test('over a restart of the broker, readers miss nothing and see nothing twice, be they quick, slow or new', async () => {
  await using bus = await startTestBus()
  await publish(bus, 30)
  await using followers = followersOf(bus)
  const readers = [followers.open(0), followers.open(null), followers.open(10)]
  await vi.waitFor(() => expect(readers[0]?.ids).toHaveLength(30), SOON)
  const slow = followers.open(0)
  slow.budget = 1
  await publish(bus, 30)
  const publishing = publish(bus, 200)
  await bus.nats.kill('SIGKILL')
  await bus.nats.restart()
  await publishing
  await publish(bus, 40)
  readers.push(followers.open(25))
  slow.budget = Number.POSITIVE_INFINITY
  const ids = await idsOf(bus)
  expect(ids.length).toBeGreaterThan(100)
  for (const reader of [...readers, slow])
    await vi.waitFor(() => expect(reader.ids).toEqual(ids.filter((id) => id > (reader.startSeq ?? Infinity))), SOON)
  for (const { resets } of [...readers, slow]) expect(resets).toEqual([])
})

test('readers are told of a log that was made anew, and read it from its beginning', async () => {
  await using bus = await startTestBus()
  await publish(bus, 5)
  await using followers = followersOf(bus)
  const readers = [followers.open(0), followers.open(null)]
  await vi.waitFor(() => expect(readers[0]?.ids).toHaveLength(5), SOON)
  const manager = await jetstreamManager(bus.broker.nc)
  await manager.streams.delete(JOBS_STREAM)
  await ensureTopology(bus.broker, { cooldownMs: 5_000, leaseMs: 2_000, replicas: 1 })
  await publish(bus, 8)
  const ids = await idsOf(bus)
  for (const reader of readers)
    await vi.waitFor(() => {
      expect(reader.resets).toHaveLength(1)
      expect(reader.ids.slice(-8)).toEqual(ids)
    }, SOON)
})
