import type { Broker } from '#shared/bus/connection.ts'
import { deleteLanes, refreshLanes } from '#shared/bus/lanes/change-lanes.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { SECOND, sleep } from '#shared/time/clock.ts'
import { checkRunner } from './put-type.ts'

/** Longer than any service believes what it last read about the types. */
const UNTIL_NOBODY_ACCEPTS_MS = 6 * SECOND

export interface DeleteTypeDeps {
  broker: Broker
  store: Pick<JobStore, 'counts'>
}

/**
 * Removes a type of HTTP workers. It is switched off first, so that no service accepts a job of it while the unfinished
 * ones are counted.
 * @throws AppError `type-in-use`, `wrong-runner`; other errors where the broker or the store does not answer
 */
export async function deleteType({ broker, store }: DeleteTypeDeps, type: string): Promise<void> {
  const lane = await laneOf(broker, type)
  checkRunner(lane, type)
  if (lane === undefined) return
  await refuseWhileInUse(broker, store, type)
  const off = { ...lane.info, policy: { ...lane.info.policy, switched_off: true } }
  await refreshLanes(broker, off, lane)
  try {
    await sleep(UNTIL_NOBODY_ACCEPTS_MS)
    await refuseWhileInUse(broker, store, type)
  } catch (error) {
    await switchOn(broker, type)
    throw error
  }
  // Somebody may have registered it anew in the meantime.
  if ((await laneOf(broker, type))?.info.policy.switched_off !== true)
    throw new AppError('type-in-use', 'The type was registered again in the meantime.')
  await deleteLanes(broker, type)
}

const laneOf = async (broker: Broker, type: string) => (await listLanes(broker)).find((one) => one.type === type)

/** As the type is now: another call may have changed it since. */
async function switchOn(broker: Broker, type: string): Promise<void> {
  const lane = await laneOf(broker, type)
  if (lane === undefined) return
  await refreshLanes(broker, { ...lane.info, policy: { ...lane.info.policy, switched_off: false } }, lane)
}

/** @throws AppError `type-in-use` */
async function refuseWhileInUse(broker: Broker, store: Pick<JobStore, 'counts'>, type: string): Promise<void> {
  const counts = (await store.counts(null)).filter(
    (one) => one.type === type && (one.status === 'processing' || one.status === 'scheduled'),
  )
  const inStore = counts.reduce((sum, { count }) => sum + count, 0)
  const lanes = (await listLanes(broker)).filter((one) => one.type === type)
  const inLanes = lanes.reduce((sum, { pending, ackPending }) => sum + pending + ackPending, 0)
  const left = Math.max(inStore, inLanes)
  if (left === 0) return
  throw new AppError('type-in-use', `Unfinished jobs of this type: ${left}. Let them end, or cancel them, first.`, {
    members: { unfinished: left },
  })
}
