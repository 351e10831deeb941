import type { JobHistory } from '#shared/bus/job-history.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import type { HttpWorkers } from './http-workers.ts'

/** Everything that lending jobs needs; wired once in open-lender.ts. */
export interface LendDeps
  extends Pick<
    WorkerDeps,
    'broker' | 'puller' | 'policyOf' | 'findLanes' | 'metrics' | 'clock' | 'random' | 'tracing' | 'traceJobs' | 'log'
  > {
  /** The process that lends. */
  gatewayId: string
  history: JobHistory
  /** The log of jobs. */
  stream: Pick<Stream, 'atSequence' | 'nextOf'>
  workers: HttpWorkers
}
