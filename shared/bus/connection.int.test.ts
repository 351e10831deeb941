import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { DAY, HOUR, systemClock } from '#shared/time/clock.ts'
import { silentLog } from '../../e2e/support/bus.ts'
import { startTestNats } from '../../e2e/support/nats.ts'
import { connectBroker } from './connection.ts'

afterEach(() => void vi.useRealTimers())

const connectTo = ({ url }: { url: string }) => connectBroker({ url, name: 'test', clock: systemClock, log: silentLog })

test.each([-30 * DAY, -HOUR, HOUR, 30 * DAY])(
  'a connection that breaks while the wall clock is wrong by %s ms comes back, and again when it is right',
  async (shiftMs) => {
    await using nats = await startTestNats()
    const broker = await connectTo(nats)
    const breakOnce = async () => {
      await nats.kill('SIGKILL')
      await vi.waitFor(() => expect(broker.isUp()).toBe(false), { timeout: 20_000 })
      await nats.restart()
      await vi.waitFor(() => expect(broker.isUp()).toBe(true), { timeout: 10_000 })
    }
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + shiftMs })
    await breakOnce()
    vi.useRealTimers()
    await breakOnce()
    await broker.close()
  },
)

test('a broker that is away is not dialled without a pause', async () => {
  await using nats = await startTestNats()
  let dials = 0
  const clock = {
    now: () => systemClock.now(),
    monotonic: () => {
      dials++
      return systemClock.monotonic()
    },
  }
  const broker = await connectBroker({ url: nats.url, name: 'test', clock, log: silentLog })
  await nats.kill('SIGKILL')
  const before = dials
  const startMs = systemClock.monotonic()
  await vi.waitFor(() => expect(systemClock.monotonic() - startMs).toBeGreaterThan(2_000), { timeout: 20_000 })
  expect(dials - before).toBeGreaterThan(2)
  expect(dials - before).toBeLessThanOrEqual(11)
  await broker.close()
})

test('what was asked on a connection that broke fails at once, and what was asked without one when there is one again', async () => {
  await using nats = await startTestNats()
  const broker = await connectTo(nats)
  // Somebody listens, and says nothing.
  broker.nc.subscribe('silent', { callback: () => undefined })
  const ask = () => broker.nc.request('silent', '', { timeout: 300_000 })
  const before = ask()
  await nats.kill('SIGKILL')
  await expect(before).rejects.toThrow('connection closed')
  const between = expect(ask()).rejects.toThrow('connection closed')
  await nats.restart()
  await between
  await broker.close()
})

test('a connection that is up is left alone by whoever closes it only while the broker is away', async () => {
  await using nats = await startTestNats()
  const broker = await connectTo(nats)
  await broker.closeIfAway()
  expect(broker.isUp()).toBe(true)
  await nats.kill('SIGKILL')
  await vi.waitFor(() => expect(broker.isUp()).toBe(false), { timeout: 20_000 })
  const asked = expect(broker.nc.request('anybody', '', { timeout: 300_000 })).rejects.toThrow('connection closed')
  await broker.closeIfAway()
  await asked
  await broker.close()
})

test('a connection that is closed between two dials dials no more', async () => {
  await using nats = await startTestNats()
  const broker = await connectTo(nats)
  await nats.kill('SIGKILL')
  await vi.waitFor(() => expect(broker.isUp()).toBe(false), { timeout: 20_000 })
  // Whoever dials now is taken, and waits for the broker's greeting.
  let taken = 0
  const taker = createServer((socket) => {
    taken++
    socket.on('error', () => undefined)
  })
  await once(taker.listen(nats.port, '127.0.0.1'), 'listening')
  await broker.close()
  // A dial that comes even later is left behind, and fails the file.
  for (let n = 0; n < 3; n++) {
    const own = connect(nats.port, '127.0.0.1')
    await once(own, 'connect')
    own.destroy()
  }
  await vi.waitFor(() => expect(taken).toBeGreaterThanOrEqual(3))
  expect(taken).toBe(3)
  taker.close()
})
