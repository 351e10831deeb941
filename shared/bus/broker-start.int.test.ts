import { expect, test, vi } from 'vitest'
import { systemClock } from '#shared/time/clock.ts'
import { createdPublication, newAddress, startTestBus } from '../../e2e/support/bus.ts'
import { BrokerStart } from './broker-start.ts'

const SOON = { deadlineMs: 10_000 }

test('every worker learns the same sequence after the start of the broker, and another after the next start', async () => {
  await using bus = await startTestBus()
  const store = async () => {
    const stored = await bus.publisher.publish(createdPublication(newAddress()), SOON)
    return stored.kind === 'stored' ? stored.seq : expect.unreachable('not stored')
  }
  const open = () => new BrokerStart({ broker: bus.broker, clock: systemClock, log: bus.stream })
  const [first, second, late] = [open(), open(), open()]
  const before = await store()
  expect(await Promise.all([first.lastSeq(), second.lastSeq()])).toEqual([before, before])
  const after = await store()
  expect(after).toBeGreaterThan(before)
  expect(await late.lastSeq()).toBe(before)

  await bus.nats.kill('SIGKILL')
  await bus.nats.restart()
  await vi.waitFor(async () => expect(await first.lastSeq()).toBe(after), { timeout: 20_000 })
  await store()
  expect(await late.lastSeq()).toBe(after)
  for (const worker of [first, second, late]) worker.close()
})
