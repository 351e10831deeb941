import type { Broker } from '#shared/bus/connection.ts'
import { type LaneInfo, listLanes } from '#shared/bus/lanes/lanes.ts'
import { withoutEnded } from '#shared/bus/lanes/without-ended.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { type StoreAgeDeps, storeAge } from './store-age.ts'

export interface ReadLanesDeps extends StoreAgeDeps {
  broker: Broker
  store: Pick<JobStore, 'counts'>
}

/**
 * The lanes, without jobs that were cancelled while they waited where the store has everything that the log has: on a busy
 * system they are counted until a worker meets them.
 * @throws when the broker does not answer
 */
export async function readLanes(deps: ReadLanesDeps): Promise<LaneInfo[]> {
  const lanes = await listLanes(deps.broker)
  if (lanes.every(({ pending }) => pending === 0)) return lanes
  try {
    // In this order: what is in the lanes must be in the store.
    const { lag_ms: lagMs } = await storeAge(deps)
    return lagMs === 0 ? withoutEnded(lanes, unfinishedOf(await deps.store.counts(null))) : lanes
  } catch {
    // The lanes are there without the store.
    return lanes
  }
}

/** How many jobs of each type wait or run. */
export const unfinishedOf = (counts: Awaited<ReturnType<JobStore['counts']>>): Map<string, number> =>
  new Map(counts.filter(({ status }) => status === 'processing').map(({ type, count }) => [type, count]))
