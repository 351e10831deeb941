import type { Logger } from '#shared/process/logger.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { type Clock, isoTime } from '#shared/time/clock.ts'
import { IntervalLoop } from '#shared/time/loop.ts'
import { type TrimDeps, trimLog } from './trim-log.ts'
import { type WakeDeps, wakeStuckJobs } from './wake-stuck-jobs.ts'

export interface HousekeeperDeps {
  isOwner(): boolean
  wake: WakeDeps
  trim: TrimDeps
  store: JobStore
  clock: Clock
  everyMs: number
  jobRetentionMs: number
  log: Logger
}

const DELETE_AT_ONCE = 1_000

/** The loop that the owner of the projection runs once a minute: wakes stuck jobs, trims the log, deletes what is old. */
export function createHousekeeper(deps: HousekeeperDeps): IntervalLoop {
  const keepHouse = async () => {
    if (!deps.isOwner()) return
    await wakeStuckJobs(deps.wake)
    await trimLog(deps.trim)
    if (!deps.trim.isClockTrusted()) return
    await deleteOldJobs(deps)
    await deps.store.deleteOldSpans(deps.clock.now())
    await deps.store.deleteErrorsBefore(isoTime(deps.clock.now() - deps.jobRetentionMs))
  }
  return new IntervalLoop(deps.everyMs, keepHouse, (error) =>
    deps.log.warn({ err: error }, 'housekeeping failed, will retry'),
  )
}

async function deleteOldJobs(deps: HousekeeperDeps): Promise<void> {
  const endedBefore = isoTime(deps.clock.now() - deps.jobRetentionMs)
  while ((await deps.store.deleteEndedBefore(endedBefore, DELETE_AT_ONCE)) === DELETE_AT_ONCE) {
    if (!deps.isOwner()) return
  }
}
