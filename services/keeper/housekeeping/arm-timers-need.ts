import { laneNeed } from '#shared/bus/lanes/lane-need.ts'
import type { Stream } from '#shared/bus/stream.ts'
import { ARM_TIMERS, ARM_TIMERS_FILTERS } from '#shared/contracts/log/subjects.ts'

/** The first sequence of the log that still needs a timer; null when all delayed jobs have one. */
export async function armTimersNeed(stream: Stream): Promise<number | null> {
  const floor = await stream.consumerFloor(ARM_TIMERS)
  if (floor === null) throw new Error(`the broker has no consumer ${ARM_TIMERS}: run services/job/setup.ts first`)
  return laneNeed(stream, { ...floor, filters: ARM_TIMERS_FILTERS })
}
