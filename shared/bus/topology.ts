import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node'
import { PRIORITIES } from '#shared/contracts/job.ts'
import { type JobTypeInfo, jobPolicySchema } from '#shared/contracts/job-type.ts'
import {
  ARM_TIMERS,
  ARM_TIMERS_FILTERS,
  JOBS_STREAM,
  JOBS_STREAM_SUBJECTS,
  KEYS_STREAM,
  type LanePriority,
  LIVE_PREFIX,
  laneFilters,
  laneName,
} from '#shared/contracts/subjects.ts'
import { DAY, MINUTE } from '#shared/runtime/clock.ts'
import { CONSUMER_NOT_FOUND, MILLISECOND_NS, STREAM_NOT_FOUND } from './broker-codes.ts'

export interface TopologyOptions {
  cooldownMs: number
  /** Milliseconds without a sign of life after which a delivery is somebody else's. */
  leaseMs: number
  replicas: number
}

/** nats-server 2.14, where schedules and batches are complete. */
const MIN_API_LEVEL = 4
/** Explicit, because the broker's own default of 1,000 would be a silent cap. */
const UNLIMITED_PENDING = 100_000
/** Idempotency-Keys in a day: about 350 bytes of the broker's memory each. Beyond it requests with a key get 503. */
const MAX_KEYS = 1_000_000
/** Used when the cooldown is off; a window of 0 would mean the broker's default of 2 minutes. */
const NO_COOLDOWN_WINDOW_MS = 2 * MINUTE

/** Makes what is missing and brings the streams' settings up to date. Lanes that exist are never changed. */
export async function ensureStreams(nc: NatsConnection, options: TopologyOptions): Promise<void> {
  const manager = await jetstreamManager(nc)
  const level = (await manager.getAccountInfo()).api.level ?? 0
  if (level < MIN_API_LEVEL) {
    throw new Error(`this nats-server is too old (API level ${level}, needed ${MIN_API_LEVEL}): use 2.15.1 or newer`)
  }
  await ensureStream(manager, {
    name: JOBS_STREAM,
    subjects: JOBS_STREAM_SUBJECTS,
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    num_replicas: options.replicas,
    duplicate_window: (options.cooldownMs || NO_COOLDOWN_WINDOW_MS) * MILLISECOND_NS,
    allow_msg_schedules: true,
    allow_atomic: true,
    republish: { src: '>', dest: `${LIVE_PREFIX}>` },
  })
  await ensureStream(manager, {
    name: KEYS_STREAM,
    subjects: ['key.*'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // A key that is forgotten early would make a second job: refuse the next one instead.
    discard: DiscardPolicy.New,
    max_msgs: MAX_KEYS,
    num_replicas: options.replicas,
    max_age: DAY * MILLISECOND_NS,
  })
  const armTimers = {
    durable_name: ARM_TIMERS,
    filter_subjects: ARM_TIMERS_FILTERS,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: options.leaseMs * MILLISECOND_NS,
    max_deliver: -1,
    max_ack_pending: UNLIMITED_PENDING,
  }
  const { config } = await ensureConsumer(manager, armTimers)
  await manager.consumers.update(JOBS_STREAM, ARM_TIMERS, { ...config, ack_wait: armTimers.ack_wait })
}

/**
 * Makes the lanes of a type where they are missing; its policy and payload schema go into their metadata.
 * @returns the shortest lease among them, milliseconds: what a worker must renew within, whatever its own setting says
 */
export async function ensureLanes(nc: NatsConnection, info: JobTypeInfo, options: TopologyOptions): Promise<number> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const leases: number[] = []
  for (const priority of lanePriorities(info)) {
    const lane = await ensureConsumer(manager, {
      durable_name: laneName(info.type, priority),
      filter_subjects: laneFilters(info.type, priority),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      ack_wait: options.leaseMs * MILLISECOND_NS,
      max_deliver: -1,
      max_ack_pending: info.policy.concurrency ?? UNLIMITED_PENDING,
      max_waiting: 10_000,
      metadata: laneMetadata(info),
    })
    leases.push((lane.config.ack_wait ?? 0) / MILLISECOND_NS)
  }
  return Math.min(...leases)
}

/**
 * Brings lanes that exist to what their type and the settings say now; those of another shape (a type that got or lost
 * its concurrency limit) go, and what waits in them comes through the new ones. How many run at once is left as it is
 * unless the handler says another number than before: that, like a pause, is changed while Hasty runs. For setup
 * alone: a service that starts never changes a lane.
 */
export async function refreshLanes(nc: NatsConnection, info: JobTypeInfo, options: TopologyOptions): Promise<void> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  for (const priority of lanePriorities(info)) {
    const lane = await manager.consumers.info(JOBS_STREAM, laneName(info.type, priority))
    const isSameLimit = readLane(lane)?.info.policy.concurrency === info.policy.concurrency
    await manager.consumers.update(JOBS_STREAM, lane.name, {
      ...lane.config,
      ack_wait: options.leaseMs * MILLISECOND_NS,
      ...(isSameLimit ? {} : { max_ack_pending: info.policy.concurrency ?? UNLIMITED_PENDING }),
      metadata: { ...lane.config.metadata, ...laneMetadata(info) },
    })
  }
  const kept = new Set(lanePriorities(info).map((priority) => laneName(info.type, priority)))
  for (const lane of await listLanes(nc)) {
    if (lane.type === info.type && !kept.has(lane.name)) await manager.consumers.delete(JOBS_STREAM, lane.name)
  }
}

const laneMetadata = (info: JobTypeInfo): Record<string, string> => ({
  type: info.type,
  policy: JSON.stringify(info.policy),
  payload_schema: JSON.stringify(info.payload_schema),
})

/** A concurrency limit counts per consumer, so a limited type has one lane. */
export const lanePriorities = (info: JobTypeInfo): LanePriority[] =>
  info.policy.concurrency === null ? [...PRIORITIES] : ['any']

export interface LaneInfo {
  name: string
  type: string
  info: JobTypeInfo
  pending: number
  ackPending: number
  /** Everything at or below was delivered and acked. */
  ackFloor: number
  filters: string[]
}

/** The registry of job types: their lanes, as the broker has them. */
export async function listLanes(nc: NatsConnection): Promise<LaneInfo[]> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const lanes: LaneInfo[] = []
  for await (const consumer of manager.consumers.list(JOBS_STREAM)) {
    const lane = readLane(consumer)
    if (lane !== null) lanes.push(lane)
  }
  return lanes
}

export async function armTimersFloor(
  nc: NatsConnection,
): Promise<{ pending: number; ackPending: number; ackFloor: number }> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  const info = await manager.consumers.info(JOBS_STREAM, ARM_TIMERS)
  return { pending: info.num_pending, ackPending: info.num_ack_pending, ackFloor: info.ack_floor.stream_seq }
}

function readLane(consumer: ConsumerInfo): LaneInfo | null {
  const { metadata, filter_subjects, filter_subject } = consumer.config
  const type = metadata?.['type']
  if (type === undefined || !consumer.name.startsWith(`work-${type}-`)) return null
  const policy = jobPolicySchema.parse(JSON.parse(metadata?.['policy'] ?? 'null'))
  const payloadSchema = JSON.parse(metadata?.['payload_schema'] ?? 'null') as JobTypeInfo['payload_schema']
  return {
    name: consumer.name,
    type,
    info: { type, policy, payload_schema: payloadSchema },
    pending: consumer.num_pending,
    ackPending: consumer.num_ack_pending,
    ackFloor: consumer.ack_floor.stream_seq,
    filters: filter_subjects ?? (filter_subject === undefined ? [] : [filter_subject]),
  }
}

type StreamSettings = Parameters<JetStreamManager['streams']['add']>[0]
type ConsumerSettings = Parameters<JetStreamManager['consumers']['add']>[1]

async function ensureStream(manager: JetStreamManager, settings: StreamSettings): Promise<void> {
  const existing = await found(() => manager.streams.info(settings.name), STREAM_NOT_FOUND)
  if (existing !== null) await manager.streams.update(settings.name, settings)
  else await manager.streams.add(settings)
}

async function ensureConsumer(manager: JetStreamManager, settings: ConsumerSettings): Promise<ConsumerInfo> {
  const name = settings.durable_name ?? ''
  const existing = await found(() => manager.consumers.info(JOBS_STREAM, name), CONSUMER_NOT_FOUND)
  if (existing !== null) return existing
  try {
    return await manager.consumers.add(JOBS_STREAM, settings)
  } catch (error) {
    // The client wraps it.
    if (!(error instanceof Error && error.cause instanceof PermissionViolationError)) throw error
    // Where each service has its own user, only setup's may make consumers.
    throw new Error(`the broker has no ${name}, and this user may not make it: run services/job/setup.ts first`, {
      cause: error,
    })
  }
}

async function found<T>(ask: () => Promise<T>, notFoundCode: number): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === notFoundCode) return null
    throw error
  }
}

/** Removes every message below the sequence, whatever its subject. */
export async function purgeBelow(nc: NatsConnection, seq: number): Promise<void> {
  const manager = await jetstreamManager(nc, { checkAPI: false })
  await manager.streams.purge(JOBS_STREAM, { seq })
}
