import { afterEach, expect, test, vi } from 'vitest'
import { DAY, HOUR, systemClock } from '#shared/time/clock.ts'
import { silentLog } from '../../e2e/support/bus.ts'
import { startTestNats } from '../../e2e/support/nats.ts'
import { connectBroker } from './connection.ts'

afterEach(() => void vi.useRealTimers())

test.each([-30 * DAY, -HOUR, HOUR, 30 * DAY])(
  'a connection that breaks while the wall clock is wrong by %s ms comes back, and again when it is right',
  async (shiftMs) => {
    await using nats = await startTestNats()
    const broker = await connectBroker({ url: nats.url, name: 'test', clock: systemClock, log: silentLog })
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
