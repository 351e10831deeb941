import type { LogReader } from '#shared/bus/log-reader.ts'
import type { LaneInfo } from '#shared/bus/topology.ts'

/** The first sequence a lane may still deliver; null when nothing is unacked or pending. */
export async function laneNeed(
  reader: LogReader,
  lane: Pick<LaneInfo, 'pending' | 'ackPending' | 'ackFloor' | 'filters'>,
): Promise<number | null> {
  if (lane.pending === 0 && lane.ackPending === 0) return null
  let need: number | null = null
  for (const filter of lane.filters) {
    const message = await reader.nextOf(filter, lane.ackFloor + 1)
    if (message !== null && (need === null || message.seq < need)) need = message.seq
  }
  // Something is unacked although nothing is left of it: hold everything above the floor.
  return need ?? lane.ackFloor + 1
}
