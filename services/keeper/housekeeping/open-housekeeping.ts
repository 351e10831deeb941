import type { LogLimits } from '#shared/accept/door.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import type { ProjectionView } from '#shared/stores/jobs/projection-view.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { IntervalLoop } from '#shared/time/loop.ts'
import type { KeeperConfig } from '../config.ts'
import type { Projection } from '../project-events/projection.ts'
import { createHousekeeper } from './housekeeper.ts'
import { UndeliveredEnds } from './undelivered-ends.ts'
import type { WakeDeps } from './wake-stuck-jobs.ts'

export interface OpenHousekeepingDeps extends Pick<WakeDeps, 'woken'> {
  config: Pick<KeeperConfig, 'LEASE_MS' | 'LOG_RETENTION_MS' | 'COOLDOWN_MS' | 'HOUSEKEEPING_MS' | 'JOB_RETENTION_MS'>
  stream: Stream
  history: JobHistory
  projection: Pick<Projection, 'isOwner'>
  view: Pick<ProjectionView, 'seq'>
  store: JobStore
  listLanes(): Promise<LaneInfo[]>
  limits: LogLimits
  clock: Clock & { isTrusted(): boolean }
  log: Logger
}

/** The housekeeper of this broker. */
export function openHousekeeping({
  config,
  projection,
  view,
  limits,
  woken,
  ...own
}: OpenHousekeepingDeps): IntervalLoop {
  const { store, clock, log } = own
  const undeliveredEnds = new UndeliveredEnds(own)
  return createHousekeeper({
    isOwner: () => projection.isOwner,
    wake: { ...own, leaseMs: config.LEASE_MS, woken },
    trim: {
      ...own,
      neededByRequests: (state) => undeliveredEnds.firstNeeded(state),
      checkpointSeq: () => view.seq,
      logRetentionMs: config.LOG_RETENTION_MS,
      cooldownMs: config.COOLDOWN_MS,
      isClockTrusted: () => clock.isTrusted(),
      ...limits,
    },
    store,
    clock,
    everyMs: config.HOUSEKEEPING_MS,
    jobRetentionMs: config.JOB_RETENTION_MS,
    log,
  })
}
