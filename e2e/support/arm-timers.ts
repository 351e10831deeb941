import { expect } from 'vitest'
import { LanePuller } from '#shared/bus/lane-puller.ts'
import { armTimersFloor } from '#shared/bus/stream-state.ts'
import { systemClock } from '#shared/time/clock.ts'
import { ArmTimers } from '../../services/job/arm-timers.ts'
import { silentLog, type TestBus } from './bus.ts'

/** What a worker does beside its jobs: makes timers of delayed events, until every one has its own. */
export async function armTimers(bus: TestBus): Promise<void> {
  const puller = new LanePuller(bus.broker)
  const timers = new ArmTimers({
    broker: bus.broker,
    publisher: bus.publisher,
    clock: systemClock,
    puller,
    log: silentLog,
  })
  timers.start()
  await expect
    .poll(() => armTimersFloor(bus.broker.nc), { timeout: 5_000 })
    .toMatchObject({ pending: 0, ackPending: 0 })
  await timers.stop()
  puller.close()
}
