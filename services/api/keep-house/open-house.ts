import type { LogLimits } from '#shared/accept/door.ts'
import type { Broker } from '#shared/bus/connection.ts'
import { readLogState } from '#shared/bus/event-feed.ts'
import type { LaneInfo } from '#shared/bus/lanes.ts'
import type { LogReader } from '#shared/bus/log-reader.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import { readBatch } from '#shared/bus/read-batch.ts'
import { armTimersFloor, jobEndsFloor, purgeBelow } from '#shared/bus/stream-state.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { IntervalLoop } from '#shared/time/loop.ts'
import type { ApiConfig } from '../config.ts'
import type { Projection } from '../project-events/projection.ts'
import type { ProjectionView } from '../project-events/projection-view.ts'
import { createHouseKeeper } from './house-keeper.ts'
import { UnheardEnds } from './unheard-ends.ts'
import type { WakeDeps } from './wake-stuck-jobs.ts'

export interface OpenHouseDeps extends Pick<WakeDeps, 'woken'> {
  config: Pick<ApiConfig, 'LEASE_MS' | 'LOG_RETENTION_MS' | 'COOLDOWN_MS' | 'HOUSEKEEPING_MS' | 'JOB_RETENTION_MS'>
  broker: Broker
  reader: LogReader
  publisher: Publisher
  projection: Pick<Projection, 'isOwner'>
  view: Pick<ProjectionView, 'seq'>
  store: JobStore
  listLanes(): Promise<LaneInfo[]>
  limits: LogLimits
  clock: Clock & { isTrusted(): boolean }
  log: Logger
}

/** The house keeper over this broker. */
export function openHouse({ config, broker, projection, view, limits, woken, ...own }: OpenHouseDeps): IntervalLoop {
  const { store, reader, clock, log } = own
  const shared = { ...own, armTimers: () => armTimersFloor(broker.nc) }
  const unheardEnds = new UnheardEnds({
    jobEnds: () => jobEndsFloor(broker.nc),
    readBatch: (query) => readBatch(broker, query),
    reader,
  })
  return createHouseKeeper({
    isOwner: () => projection.isOwner,
    wake: { ...shared, leaseMs: config.LEASE_MS, woken },
    trim: {
      ...shared,
      readState: () => readLogState(broker),
      neededByRequests: (state) => unheardEnds.firstNeeded(state),
      purge: (seq) => purgeBelow(broker.nc, seq),
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
