import { isDeepStrictEqual } from 'node:util'
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
import {
  ALL_DEAD_MESSAGES,
  ALL_DEFINITIONS,
  ALL_INGEST_REPLICAS,
  ALL_PROBES,
  ALL_RECEIVED,
  ALL_REQUESTS,
  ALL_SCHEDULES,
  ALL_SHARDS,
  ARM_TIMERS,
  ARM_TIMERS_FILTERS,
  DEFINITIONS_STREAM,
  INGEST_STREAM,
  JOB_ENDS,
  JOB_ENDS_FILTERS,
  JOBS_STREAM,
  JOBS_STREAM_SUBJECTS,
  KEYS_STREAM,
  LIVE_PREFIX,
  MESSAGES_STREAM,
  messageKeySubject,
  PROBES_STREAM,
  REQUEST_CHANGES,
  REQUESTS_STREAM,
  SCHEDULES_STREAM,
} from '#shared/contracts/log/subjects.ts'
import { DAY, MINUTE } from '#shared/time/clock.ts'
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
export const UNLIMITED_PENDING = 100_000
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
    // For the probe alone: events stay until housekeeping trims them.
    allow_msg_ttl: true,
    // Followers of the log read it in batches, from any node: a copy that lags only makes them wait.
    allow_direct: true,
    republish: { src: '>', dest: `${LIVE_PREFIX}>` },
  })
  await ensureStream(manager, {
    name: KEYS_STREAM,
    subjects: ['key.*'],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // Their number is bounded by who claims them: a key that is forgotten early would make a second job.
    discard: DiscardPolicy.New,
    max_msgs: -1,
    num_replicas: options.replicas,
    max_age: DAY * MILLISECOND_NS,
    allow_msg_ttl: true,
    // For groups of them.
    allow_atomic: true,
  })
  await ensureStream(manager, {
    name: SCHEDULES_STREAM,
    subjects: [ALL_SCHEDULES],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // The api alone bounds their number: a full stream of a cluster would refuse even what replaces a message.
    max_msgs_per_subject: 1,
    num_replicas: options.replicas,
  })
  await ensureStream(manager, {
    name: REQUESTS_STREAM,
    subjects: [ALL_REQUESTS],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    allow_msg_ttl: true,
    num_replicas: options.replicas,
  })
  await ensureStream(manager, {
    name: DEFINITIONS_STREAM,
    subjects: [ALL_DEFINITIONS],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    num_replicas: options.replicas,
  })
  await ensureStream(manager, {
    name: MESSAGES_STREAM,
    subjects: [ALL_RECEIVED, ALL_DEAD_MESSAGES, messageKeySubject('*')],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // Nothing that was accepted goes to make room; the api refuses new messages before there is none.
    discard: DiscardPolicy.New,
    num_replicas: options.replicas,
    allow_atomic: true,
    // For the keys, which share the stream because an atomic batch cannot cross streams.
    allow_msg_ttl: true,
    allow_direct: true,
  })
  await ensureStream(manager, {
    name: INGEST_STREAM,
    subjects: [ALL_SHARDS, ALL_INGEST_REPLICAS],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    allow_msg_ttl: true,
    num_replicas: options.replicas,
  })
  await ensureStream(manager, {
    name: PROBES_STREAM,
    subjects: [ALL_PROBES],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    max_msgs_per_subject: 1,
    num_replicas: options.replicas,
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
  await ensureFresh(manager, JOBS_STREAM, armTimers)
  const workflow = {
    ack_policy: AckPolicy.Explicit,
    // All that the log still has, also where the consumer is made late or again: an end that is told twice changes
    // nothing, and one that is not told leaves a request waiting for ever.
    deliver_policy: DeliverPolicy.All,
    // A replica that dies is replaced so late; what it has under way takes it far less.
    ack_wait: options.leaseMs * MILLISECOND_NS,
    max_deliver: -1,
  }
  await ensureFresh(manager, JOBS_STREAM, {
    ...workflow,
    durable_name: JOB_ENDS,
    filter_subjects: JOB_ENDS_FILTERS,
    max_ack_pending: UNLIMITED_PENDING,
  })
  await ensureFresh(manager, REQUESTS_STREAM, {
    ...workflow,
    durable_name: REQUEST_CHANGES,
    filter_subjects: [ALL_REQUESTS],
    // A request that sleeps is a delivery that was handed back: there may be any number.
    max_ack_pending: -1,
  })
}

/** Makes a consumer, or brings the settings of ours that may change up to date. */
async function ensureFresh(manager: JetStreamManager, stream: string, settings: ConsumerSettings): Promise<void> {
  const { config, name } = await ensureConsumer(manager, stream, settings)
  const { ack_wait, max_ack_pending } = settings
  const changes = changesIn(config, { ack_wait, max_ack_pending })
  if (changes !== null) await manager.consumers.update(stream, name, changes)
}

type StreamSettings = Parameters<JetStreamManager['streams']['add']>[0]
type ConsumerSettings = Parameters<JetStreamManager['consumers']['add']>[1]

async function ensureStream(manager: JetStreamManager, settings: StreamSettings): Promise<void> {
  const existing = await found(() => manager.streams.info(settings.name), STREAM_NOT_FOUND)
  if (existing === null) return void (await manager.streams.add(settings))
  const changes = changesIn(existing.config, settings)
  if (changes !== null) await manager.streams.update(settings.name, changes)
}

/**
 * Setup runs again whenever something is scaled or upgraded, on a broker that is at work: what is as it should be is
 * not touched.
 * @returns the wanted settings that are not so yet; null: all are
 */
export function changesIn<T extends object>(
  now: T,
  wanted: { [Name in keyof T]?: T[Name] | undefined },
): Partial<T> | null {
  const differs = ([name, value]: [string, unknown]) =>
    value !== undefined && !isDeepStrictEqual(now[name as keyof T], value)
  const changes = Object.entries(wanted).filter(differs)
  return changes.length === 0 ? null : (Object.fromEntries(changes) as Partial<T>)
}

export async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  settings: ConsumerSettings,
): Promise<ConsumerInfo> {
  const name = settings.durable_name ?? ''
  const existing = await found(() => manager.consumers.info(stream, name), CONSUMER_NOT_FOUND)
  if (existing !== null) return existing
  try {
    return await manager.consumers.add(stream, settings)
  } catch (error) {
    // The client wraps it.
    if (!(error instanceof Error && error.cause instanceof PermissionViolationError)) throw error
    // Where each service has its own user, only setup's may make consumers.
    throw new Error(`the broker has no ${name}, and this user may not make it: run services/job/setup.ts first`, {
      cause: error,
    })
  }
}

export async function found<T>(ask: () => Promise<T>, notFoundCode: number): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === notFoundCode) return null
    throw error
  }
}
