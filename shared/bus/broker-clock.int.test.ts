import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import type { Logger } from '#shared/process/logger.ts'
import { createRegistry } from '#shared/process/metrics.ts'
import { type Clock, DAY, HOUR, SECOND, systemClock } from '#shared/time/clock.ts'
import { startTestBus } from '../../e2e/support/bus.ts'
import { streamInfoSubject } from './api-subjects.ts'
import { BrokerClock, nextBase } from './broker-clock.ts'

/** A machine whose wall clock can be set; its monotonic one goes on. */
const makeMachine = () => {
  const machine = { shiftMs: 0 }
  const clock: Clock = { now: () => systemClock.now() + machine.shiftMs, monotonic: () => systemClock.monotonic() }
  return { machine, clock }
}

async function startClock(subject = streamInfoSubject(JOBS_STREAM)) {
  await using undo = new AsyncDisposableStack()
  const bus = undo.use(await startTestBus())
  const { machine, clock: system } = makeMachine()
  const said: string[] = []
  const note = (_about: unknown, message: string) => said.push(message)
  const log = { debug: () => undefined, info: note, warn: note } as unknown as Logger
  const registry = createRegistry('test')
  const clock = await BrokerClock.start({ broker: bus.broker, subject, registry, log, system })
  undo.defer(() => clock.stop())
  const metric = async () => {
    const value = await registry.getSingleMetric('hasty_clock_offset_seconds')?.get()
    return value?.values[0]?.value ?? Number.NaN
  }
  const stack = undo.move()
  return { clock, machine, said, metric, bus, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('its time is the broker’s, whatever the wall clock is set to, and a difference is told and taken back', async () => {
  await using started = await startClock()
  const { clock, machine, said, metric } = started
  expect(clock.isTrusted()).toBe(true)
  expect(clock.describe()).toBe('ok')
  expect(Number.isInteger(clock.now())).toBe(true)
  for (const shiftMs of [-30 * DAY, -HOUR, HOUR, 30 * DAY]) {
    machine.shiftMs = shiftMs
    expect(Math.abs(clock.now() - systemClock.now())).toBeLessThan(SECOND)
    expect(clock.isTrusted()).toBe(false)
    expect(Math.abs(clock.offsetMs() - shiftMs)).toBeLessThan(SECOND)
    await expect.poll(() => metric(), { timeout: 20_000 }).toBeCloseTo(shiftMs / SECOND, 0)
    expect(clock.describe()).toMatch(shiftMs > 0 ? /ahead of the broker's/ : /behind the broker's/)
    machine.shiftMs = 0
    expect(clock.isTrusted()).toBe(true)
    await vi.waitFor(() => expect(said.at(-1)).toMatch(/again/), { timeout: 20_000 })
  }
  expect(said).toHaveLength(8)
  for (const shiftMs of [-2 * SECOND, 2 * SECOND]) {
    machine.shiftMs = shiftMs
    expect(clock.isTrusted()).toBe(true)
    expect(Math.abs(clock.now() - systemClock.now())).toBeLessThan(SECOND)
  }
})

test('a service that starts with a wrong clock is right from the start, and says that it is wrong', async () => {
  await using started = await startClock()
  const { bus } = started
  const { machine, clock: system } = makeMachine()
  machine.shiftMs = 30 * DAY
  const said: string[] = []
  const log = { debug: () => undefined, warn: (_: unknown, text: string) => said.push(text) } as unknown as Logger
  const subject = streamInfoSubject(JOBS_STREAM)
  const clock = await BrokerClock.start({ broker: bus.broker, subject, registry: createRegistry('b'), log, system })
  expect(Math.abs(clock.now() - systemClock.now())).toBeLessThan(SECOND)
  expect(said).toHaveLength(1)
  await clock.stop()
})

test('without the broker’s time the wall clock counts, and is not trusted', async () => {
  await using started = await startClock(streamInfoSubject('NONE'))
  const { clock } = started
  expect(clock.isTrusted()).toBe(false)
  expect(clock.describe()).toMatch(/not known/)
  expect(Math.abs(clock.now() - systemClock.now())).toBeLessThan(SECOND)
})

test('what is known is never ahead, and no answer makes it worse, however slow it was', () => {
  const answer = fc.record({ thereMs: fc.integer({ min: 0, max: 5_000 }), backMs: fc.integer({ min: 0, max: 5_000 }) })
  fc.assert(
    fc.property(fc.integer(), fc.array(answer, { minLength: 1, maxLength: 20 }), (trueBaseMs, answers) => {
      let baseMs: number | null = null
      let sentMs = 0
      for (const { thereMs, backMs } of answers) {
        const receivedMs = sentMs + thereMs + backMs
        const before: number | null = baseMs
        baseMs = nextBase(baseMs, { brokerMs: trueBaseMs + sentMs + thereMs, sentMs, receivedMs })
        expect(baseMs).toBeLessThanOrEqual(trueBaseMs)
        expect(baseMs).toBeGreaterThanOrEqual(trueBaseMs - (receivedMs - sentMs))
        if (before !== null) expect(baseMs).toBeGreaterThanOrEqual(before)
        sentMs = receivedMs + 5_000
      }
    }),
  )
})

test('a broker whose clock is set is followed both ways', () => {
  const sample = (brokerMs: number, sentMs: number) => ({ brokerMs, sentMs, receivedMs: sentMs + 2 })
  const known = nextBase(null, sample(100_000, 0))
  const ahead = nextBase(known, sample(100_000 + HOUR + 5_000, 5_000))
  expect(ahead).toBe(100_000 + HOUR - 2)
  expect(nextBase(ahead, sample(110_000, 10_000))).toBe(100_000 - 2)
})
