import type { Stream } from '../stream.ts'
import type { LaneInfo } from './lanes.ts'

/** The part of the log that a lane (or another consumer) still needs. */
export interface LaneNeed {
  type: string
  /** The first sequence that may still be delivered; null when nothing is unacked or pending. */
  from: number | null
}

/** The first sequence a lane may still deliver; null when nothing is unacked or pending. */
export async function laneNeed(
  stream: Stream,
  lane: Pick<LaneInfo, 'pending' | 'ackPending' | 'ackFloor' | 'filters'>,
): Promise<number | null> {
  if (lane.pending === 0 && lane.ackPending === 0) return null
  let need: number | null = null
  for (const filter of lane.filters) {
    const message = await stream.nextOf(filter, lane.ackFloor + 1)
    if (message !== null && (need === null || message.seq < need)) need = message.seq
  }
  // Something is unacked although its message is gone: hold everything above the floor.
  return need ?? lane.ackFloor + 1
}

export async function laneNeeds(stream: Stream, lanes: LaneInfo[]): Promise<LaneNeed[]> {
  const needs: LaneNeed[] = []
  for (const lane of lanes) needs.push({ type: lane.type, from: await laneNeed(stream, lane) })
  return needs
}

/** Whether a lane of the type may still deliver this message: it waits, or was delivered and not acked. */
export const mayDeliver = (needs: LaneNeed[], type: string, seq: number): boolean =>
  needs.some((need) => need.type === type && need.from !== null && need.from <= seq)
