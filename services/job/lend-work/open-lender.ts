import { JobTypes, lanesOf } from '#shared/accept/job-types.ts'
import { answerWork, watchLentEnds, watchLostLeases } from '#shared/bus/work-calls.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import type { ServiceBase } from '#shared/service/base.ts'
import type { JobConfig } from '../config.ts'
import { watchEnds } from '../run/watch-ends.ts'
import type { StoreClient } from '../workers/store-client.ts'
import { HttpWorkers } from './http-workers.ts'
import { LeaseEnds } from './lease-ends.ts'
import type { LendDeps } from './lend-deps.ts'
import { Lender } from './lender.ts'
import { LentTable } from './lent-table.ts'

type Parts = Pick<LendDeps, 'history' | 'puller' | 'findLanes' | 'metrics' | 'random'> & {
  store: StoreClient
  renewEveryMs: number
}

/** Opens the part of the job service that lends jobs of types with the runner `http`. */
export async function openLender(
  base: ServiceBase<JobConfig>,
  parts: Parts,
): Promise<{ lender: Lender; workers: HttpWorkers }> {
  const { broker, clock, log, life, replicaId, stream, tracing } = base
  const types = new JobTypes(lanesOf(broker), clock, log)
  await life.start(types)
  const workers = new HttpWorkers({ ...parts, clock, log, onDropped: (count) => parts.metrics.unstored.inc(count) })
  life.onStop(() => workers.stop())
  const deps: LendDeps = {
    ...parts,
    broker,
    stream,
    clock,
    tracing,
    traceJobs: base.config.TRACE_JOBS,
    log,
    workers,
    gatewayId: replicaId,
    policyOf: (type) => types.known(type)?.info.policy ?? DEFAULT_POLICY,
  }
  const table = new LentTable(deps, parts.renewEveryMs)
  const leaseEnds = new LeaseEnds({ ...deps, table })
  const lender = new Lender({ ...deps, table, types, timeOut: (attempt) => leaseEnds.timeOut(attempt) })
  await life.start(leaseEnds)
  life.onStop(
    watchEnds({ ...base, history: parts.history, held: table.holds, exclusive: { cancelled: () => undefined } }),
  )
  life.onStop(watchLentEnds(broker, (end) => table.endedElsewhere(end)))
  life.onStop(watchLostLeases(broker, (workerId) => lender.leaseLost(workerId)))
  life.onStop(() => lender.stop())
  life.onStop(answerWork(broker, replicaId, lender))
  return { lender, workers }
}
