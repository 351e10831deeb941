import { expect, onTestFinished, test } from 'vitest'
import { tellLanesChanged } from '#shared/bus/lanes/lane-changes.ts'
import { ensureLanes } from '#shared/bus/lanes/lanes.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { systemClock } from '#shared/time/clock.ts'
import { openBus, silentLog, startTestBus } from '../../e2e/support/bus.ts'
import { JobTypes, lanesOf } from './job-types.ts'

test('a type that another process registers is known as soon as it says so', async () => {
  await using bus = await startTestBus()
  await using other = await openBus(bus.nats.url)
  const types = new JobTypes(lanesOf(bus.broker), systemClock, silentLog)
  onTestFinished(() => types.stop())
  await types.start()
  // From here on the types are looked at again only after a second, or where a change is told.
  await expect(types.get('resize')).rejects.toMatchObject({ code: 'unknown-type' })
  const info = { type: 'resize', policy: DEFAULT_POLICY, payload_schema: null }
  await ensureLanes(other.broker, info, { leaseMs: 2_000 })
  tellLanesChanged(other.broker, 'resize')
  await other.broker.flush()
  await expect.poll(() => types.known('resize'), { timeout: 900, interval: 5 }).toBeDefined()
})
