import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { TypeView } from '#shared/contracts/http/types.ts'

/** The types by name, as their lanes describe them. */
export function typeViews(lanes: LaneInfo[]): TypeView[] {
  const views = new Map<string, TypeView>()
  for (const lane of lanes) {
    const before = views.get(lane.type)
    views.set(lane.type, {
      ...lane.info,
      concurrency: lane.limit ?? before?.concurrency ?? null,
      paused: lane.paused && (before?.paused ?? true),
      waiting: lane.pending + (before?.waiting ?? 0),
      running: lane.ackPending + (before?.running ?? 0),
    })
  }
  return [...views.values()].toSorted((a, b) => (a.type < b.type ? -1 : 1))
}
