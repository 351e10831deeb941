import type { BrokerStart } from '#shared/bus/broker-start.ts'
import type { Broker } from '#shared/bus/connection.ts'
import type { JobHistory } from '#shared/bus/job-history.ts'
import type { LanesOfType } from '#shared/bus/lanes/lanes.ts'
import type { ConsumerPuller } from '#shared/bus/puller.ts'
import type { JobPolicy } from '#shared/contracts/log/job-type.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { Tracing } from '#shared/trace/tracing.ts'
import type { Handlers } from './handlers/load-handlers.ts'
import type { Isolation } from './isolate/isolation.ts'
import type { Lease } from './lease/lease.ts'
import type { JobMaker } from './make/job-maker.ts'
import type { JobMetrics } from './metrics.ts'
import type { ExclusiveDeliveries } from './pull/exclusive-deliveries.ts'
import type { DeliveryStarts } from './run/delivery-starts.ts'
import type { Placement } from './run/placement.ts'
import type { AttemptRecorder } from './workers/attempt-recorder.ts'

/** Everything that running a job needs; wired once in job.ts. */
export interface WorkerDeps {
  workerId: string
  handlers: Handlers
  /** The policy of a type that this worker runs. */
  policyOf(type: string): JobPolicy
  broker: Broker
  puller: ConsumerPuller
  history: JobHistory
  lease: Lease
  exclusive: ExclusiveDeliveries
  deliveryStarts: DeliveryStarts
  isolation: Isolation
  jobMaker: Pick<JobMaker, 'make'>
  /** The lanes that a type has now. */
  findLanes(type: string): Promise<LanesOfType>
  brokerStart: Pick<BrokerStart, 'lastSeq'>
  /** Sequence of a type's last cancel that the log still has; 0: none. */
  lastCancel(type: string): Promise<number>
  metrics: JobMetrics
  attempts: AttemptRecorder
  clock: Clock
  random(): number
  /** null: no spans are recorded. */
  tracing: Tracing | null
  /** Where the spans of attempts are. */
  traceJobs: Placement
  log: Logger
}
