import { expect, test } from 'vitest'
import { LOG_PROBE, PROBES_STREAM, probeSubject } from '#shared/contracts/log/subjects.ts'
import { systemClock } from '#shared/time/clock.ts'
import { startTestBus, type TestBus } from '../../e2e/support/bus.ts'
import { Stream } from './stream.ts'
import { WriteProbe } from './write-probe.ts'

const probeOf = ({ broker }: TestBus, subject = LOG_PROBE) => new WriteProbe({ broker, subject, clock: systemClock })

test('many who ask at once cost one message, which does not stay', async () => {
  await using bus = await startTestBus()
  const probe = probeOf(bus)
  expect(await Promise.all(Array.from({ length: 20 }, () => probe.whyNot()))).toEqual(Array(20).fill(null))
  expect(await bus.stream.state()).toMatchObject({ lastSeq: 1 })
  await expect.poll(async () => (await bus.stream.state()).firstSeq, { timeout: 20_000 }).toBe(2)
})

test('a broker that stands still is not taken for one that cannot write', async () => {
  await using bus = await startTestBus()
  const probe = probeOf(bus)
  await bus.nats.kill('SIGSTOP')
  expect(await probe.whyNot()).toBeNull()
  await bus.nats.kill('SIGCONT')
})

test('neither is one that takes no message of its own lifetime, as before setup ran', async () => {
  await using bus = await startTestBus()
  expect(await probeOf(bus, 'schedule.probe').whyNot()).toBeNull()
})

test('readiness writes, but leaves no gap in the log for its readers to see', async () => {
  await using bus = await startTestBus()
  const probe = new WriteProbe({
    broker: bus.broker,
    subject: LOG_PROBE,
    readySubject: probeSubject('api'),
    clock: systemClock,
  })
  await probe.checkReady()
  expect(await new Stream(bus.broker, PROBES_STREAM).state()).toMatchObject({ lastSeq: 1 })
  expect(await bus.stream.state()).toMatchObject({ firstSeq: 0, lastSeq: 0 })
})
