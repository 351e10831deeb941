import type { Broker } from '#shared/bus/connection.ts'
import { deleteLanes, refreshLanes } from '#shared/bus/lanes/change-lanes.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { type StoreAgeDeps, storeAge } from '#shared/read-store/store-age.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { SECOND, sleep } from '#shared/time/clock.ts'
import { checkRunner } from './put-type.ts'

/** Longer than any service believes what it last read about the types. */
const UNTIL_NOBODY_ACCEPTS_MS = 6 * SECOND

/** How long the store may take to have what the log has. */
const STORE_WITHIN_MS = 10 * SECOND
const LOOK_EVERY_MS = SECOND / 4

export interface DeleteTypeDeps extends StoreAgeDeps {
  broker: Broker
  store: Pick<JobStore, 'counts'>
}

/**
 * Removes a type of HTTP workers. It is switched off first, so that no service accepts a job of it while the unfinished
 * ones are counted. The store counts them: the lanes may still have jobs that were cancelled while they waited.
 * @throws AppError `type-in-use`, `wrong-runner`, `unavailable`; other errors where the broker or the store does not answer
 */
export async function deleteType(deps: DeleteTypeDeps, type: string): Promise<void> {
  const { broker, store } = deps
  const lane = await laneOf(broker, type)
  checkRunner(lane, type)
  if (lane === undefined) return
  await refuseWhileInUse(store, type)
  const off = { ...lane.info, policy: { ...lane.info.policy, switched_off: true } }
  await refreshLanes(broker, off, lane)
  try {
    await sleep(UNTIL_NOBODY_ACCEPTS_MS)
    await untilStored(deps, deps.clock.now())
    await refuseWhileInUse(store, type)
  } catch (error) {
    await switchOn(broker, type)
    throw error
  }
  // Somebody may have registered it anew in the meantime.
  if ((await laneOf(broker, type))?.info.policy.switched_off !== true)
    throw new AppError('type-in-use', 'The type was registered again in the meantime.')
  await deleteLanes(broker, type)
}

/** Resolves when the store has what the log had at a time. @throws AppError `unavailable` */
async function untilStored(deps: DeleteTypeDeps, atMs: number): Promise<void> {
  const untilMs = deps.clock.monotonic() + STORE_WITHIN_MS
  for (;;) {
    const { as_of: asOf } = await storeAge(deps)
    if (asOf !== null && Date.parse(asOf) >= atMs) return
    if (deps.clock.monotonic() > untilMs)
      throw unavailable('The store is behind the log, so the unfinished jobs of the type cannot be counted. Try again.')
    await sleep(LOOK_EVERY_MS)
  }
}

const laneOf = async (broker: Broker, type: string) => (await listLanes(broker)).find((one) => one.type === type)

/** As the type is now: another call may have changed it since. */
async function switchOn(broker: Broker, type: string): Promise<void> {
  const lane = await laneOf(broker, type)
  if (lane === undefined) return
  await refreshLanes(broker, { ...lane.info, policy: { ...lane.info.policy, switched_off: false } }, lane)
}

/** @throws AppError `type-in-use` */
async function refuseWhileInUse(store: Pick<JobStore, 'counts'>, type: string): Promise<void> {
  const counts = (await store.counts(null)).filter(
    (one) => one.type === type && (one.status === 'processing' || one.status === 'scheduled'),
  )
  const left = counts.reduce((sum, { count }) => sum + count, 0)
  if (left === 0) return
  throw new AppError('type-in-use', `Unfinished jobs of this type: ${left}. Let them end, or cancel them, first.`, {
    members: { unfinished: left },
  })
}
