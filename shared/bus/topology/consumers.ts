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

/** Explicit, because the broker's default of 1,000 would be a silent cap. */
export const UNLIMITED_PENDING = 100_000

/** Settings that all consumers shared by replicas have in common. */
const shared = ({ leaseMs }: TopologyOptions) => ({
  ack_policy: AckPolicy.Explicit,
  // Everything that the log still has, even if the consumer is created late or again: an event that is delivered twice
  // changes nothing, and one that is not delivered leaves a job or a request waiting forever.
  deliver_policy: DeliverPolicy.All,
  // A dead replica's deliveries move to another after this time; the work itself takes far less.
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

/** Ends of jobs, which requests must hear about. */
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
  // A sleeping request is a delivery that was handed back: there may be any number.
  max_ack_pending: -1,
})

/** Every consumer except the lanes of job types, with its stream. */
export const allConsumers = (options: TopologyOptions): [stream: string, settings: ConsumerSettings][] => [
  [JOBS_STREAM, armTimersConsumer(options)],
  [JOBS_STREAM, jobEndsConsumer(options)],
  [REQUESTS_STREAM, requestChangesConsumer(options)],
]
