import { expect } from 'vitest'
import { ConsumerPuller } from '#shared/bus/puller.ts'
import { ARM_TIMERS } from '#shared/contracts/log/subjects.ts'
import { createArmTimers } from '../../services/keeper/arm-timers.ts'
import { silentLog, type TestBus } from './bus.ts'

/** Makes timers of delayed events, as a worker does beside its jobs, until every event has its own. */
export async function armTimers({ broker, stream, history }: TestBus): Promise<void> {
  const puller = new ConsumerPuller(broker)
  const timers = createArmTimers({ broker, puller, history, log: silentLog })
  timers.start()
  await expect
    .poll(() => stream.consumerFloor(ARM_TIMERS), { timeout: 5_000 })
    .toMatchObject({ pending: 0, ackPending: 0 })
  await timers.stop()
  puller.close()
}
