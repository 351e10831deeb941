import { decide } from '../decide/decide.ts'
import type { RequestRecord } from '../decide/record.ts'
import type { PickUpTimes } from './pick-up-times.ts'

export interface RequestTimes {
  newRequests: PickUpTimes
  inProgress: PickUpTimes
}

/** Milliseconds until a request may continue by itself; 0: now. null: it waits for no time. */
export function requestWaitMs(
  { newRequests, inProgress }: RequestTimes,
  record: RequestRecord,
  nowMs: number,
): number | null {
  const sinceMs = Date.parse(record.updated_at)
  if (record.status === 'queuing') return newRequests.waitMs(sinceMs, nowMs)
  if (record.status !== 'inprogress') return null
  const wakeAt = record.steps[record.at_step]?.wake_at ?? null
  const wakeMs = wakeAt === null ? 0 : Math.max(0, Date.parse(wakeAt) - nowMs)
  if (!inProgress.isAtOnce) return Math.max(wakeMs, inProgress.waitMs(sinceMs, nowMs))
  if (wakeMs > 0) return wakeMs
  // The last change may have left this to a configured time: before a restart with other settings, or in another
  // replica.
  return decide(record, { kind: 'time' }, nowMs) === record ? null : 0
}
