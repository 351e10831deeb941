import { AckPolicy, DeliverPolicy, type JetStreamManager } from '@nats-io/jetstream'
import {
  ALL_REQUESTS,
  ARM_TIMERS,
  ARM_TIMERS_FILTERS,
  JOB_ENDS,
  JOB_ENDS_FILTERS,
  JOBS_STREAM,
  REQUEST_CHANGES,
  REQUESTS_STREAM,
} from '#shared/contracts/log/subjects.ts'
import { MILLISECOND_NS } from '../broker-codes.ts'
import type { TopologyOptions } from './topology.ts'

export type ConsumerSettings = Parameters<JetStreamManager['consumers']['add']>[1]

/** Explicit, because the broker's own default of 1,000 would be a silent cap. */
export const UNLIMITED_PENDING = 100_000

/** What consumers that replicas share have in common. */
const shared = ({ leaseMs }: TopologyOptions) => ({
  ack_policy: AckPolicy.Explicit,
  // All that the log still has, also where the consumer is made late or again: an event that is delivered twice changes
  // nothing, and one that is not delivered leaves a job or a request waiting for ever.
  deliver_policy: DeliverPolicy.All,
  // A replica that dies is replaced after this time; what it has under way takes it far less.
  ack_wait: leaseMs * MILLISECOND_NS,
  max_deliver: -1,
})

/** Delayed events, which need a timer. */
const armTimersConsumer = (options: TopologyOptions): ConsumerSettings => ({
  ...shared(options),
  durable_name: ARM_TIMERS,
  filter_subjects: ARM_TIMERS_FILTERS,
  max_ack_pending: UNLIMITED_PENDING,
})

/** Ends of jobs, of which requests must hear. */
const jobEndsConsumer = (options: TopologyOptions): ConsumerSettings => ({
  ...shared(options),
  durable_name: JOB_ENDS,
  filter_subjects: JOB_ENDS_FILTERS,
  max_ack_pending: UNLIMITED_PENDING,
})

/** New versions of requests. */
const requestChangesConsumer = (options: TopologyOptions): ConsumerSettings => ({
  ...shared(options),
  durable_name: REQUEST_CHANGES,
  filter_subjects: [ALL_REQUESTS],
  // A request that sleeps is a delivery that was handed back: there may be any number.
  max_ack_pending: -1,
})

/** Every consumer but the lanes of job types, with its stream. */
export const allConsumers = (options: TopologyOptions): [stream: string, settings: ConsumerSettings][] => [
  [JOBS_STREAM, armTimersConsumer(options)],
  [JOBS_STREAM, jobEndsConsumer(options)],
  [REQUESTS_STREAM, requestChangesConsumer(options)],
]
