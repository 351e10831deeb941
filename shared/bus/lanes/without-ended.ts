import type { LaneInfo } from './lanes.ts'

/**
 * The lanes without the triggers of jobs that ended while they waited, which lie there until a worker meets them: where
 * none comes, the broker would count them for ever.
 * @param unfinished the number of jobs of each type that wait or run
 */
export function withoutEnded(lanes: LaneInfo[], unfinished: ReadonlyMap<string, number>): LaneInfo[] {
  const left = new Map(unfinished)
  for (const { type, ackPending } of lanes) left.set(type, Math.max(0, (left.get(type) ?? 0) - ackPending))
  return lanes.map((lane) => {
    const pending = Math.min(lane.pending, left.get(lane.type) ?? 0)
    left.set(lane.type, (left.get(lane.type) ?? 0) - pending)
    return { ...lane, pending }
  })
}
