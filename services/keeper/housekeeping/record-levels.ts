import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { type LevelRow, STEPS } from '#shared/stores/jobs/series/series.ts'
import { type Clock, SECOND } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'

export interface RecordLevelsDeps {
  isOwner: () => boolean
  listLanes: () => Promise<LaneInfo[]>
  store: Pick<JobStore, 'putLevels'>
  clock: Clock
  log: Logger
}

/** A little less than the shortest span, so that none is left out. */
const EVERY_MS = 9 * SECOND

/**
 * The loop in which the owner of the projection looks how many jobs of each type wait and run. No log tells it: a
 * delayed job waits from its time on, without an event. What was not looked at stays unknown.
 */
export function createLevelRecorder({ isOwner, listLanes, store, clock, log }: RecordLevelsDeps): IntervalLoop {
  const record = async () => {
    if (isOwner()) await store.putLevels(levelsOf(await listLanes(), clock.now()))
  }
  return new IntervalLoop(EVERY_MS, record, (error) =>
    log.debug({ err: error }, 'could not record how many jobs wait, will retry'),
  )
}

function levelsOf(lanes: LaneInfo[], nowMs: number): LevelRow[] {
  const types = new Map<string, { waiting: number; running: number }>()
  for (const { type, pending, ackPending } of lanes) {
    const level = types.get(type) ?? { waiting: 0, running: 0 }
    types.set(type, { waiting: level.waiting + pending, running: level.running + ackPending })
  }
  return STEPS.flatMap(({ stepS }) => {
    const atS = Math.floor(nowMs / (stepS * SECOND)) * stepS
    return [...types].map(([type, level]) => ({ stepS, atS, type, ...level }))
  })
}
