import { DiscardPolicy, type JetStreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import {
  ALL_DEAD_MESSAGES,
  ALL_DEFINITIONS,
  ALL_INGEST_REPLICAS,
  ALL_PROBES,
  ALL_RECEIVED,
  ALL_REQUESTS,
  ALL_SCHEDULES,
  ALL_SHARDS,
  DEFINITIONS_STREAM,
  INGEST_STREAM,
  JOBS_STREAM,
  JOBS_STREAM_SUBJECTS,
  KEYS_STREAM,
  LIVE_PREFIX,
  MESSAGES_STREAM,
  messageKeySubject,
  PROBES_STREAM,
  REQUESTS_STREAM,
  SCHEDULES_STREAM,
} from '#shared/contracts/log/subjects.ts'
import { DAY, MINUTE } from '#shared/time/clock.ts'
import { MILLISECOND_NS } from '../broker-codes.ts'
import type { TopologyOptions } from './topology.ts'

export type StreamSettings = Parameters<JetStreamManager['streams']['add']>[0]

/** Duplicate window when the cooldown is off; a window of 0 would mean the broker's default of 2 minutes. */
const NO_COOLDOWN_WINDOW_MS = 2 * MINUTE

/** The log: every event of every job, its timers and triggers. */
const jobsStream = ({ replicas, cooldownMs }: TopologyOptions): StreamSettings => ({
  name: JOBS_STREAM,
  subjects: JOBS_STREAM_SUBJECTS,
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  num_replicas: replicas,
  duplicate_window: (cooldownMs || NO_COOLDOWN_WINDOW_MS) * MILLISECOND_NS,
  // Three for each job type. Without a number of its own, a stream has room for a thousand.
  max_consumers: 100_000,
  allow_msg_schedules: true,
  allow_atomic: true,
  // Used by the probe alone: events stay until housekeeping trims them.
  allow_msg_ttl: true,
  // Followers of the log read it in batches, from any node: a copy that lags only makes them wait.
  allow_direct: true,
  republish: { src: '>', dest: `${LIVE_PREFIX}>` },
})

/** The first use of each Idempotency-Key, one message for each key. */
const keysStream = ({ replicas }: TopologyOptions): StreamSettings => ({
  name: KEYS_STREAM,
  subjects: ['key.*'],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  // Their number is limited where keys are claimed: a key that is forgotten early would create a second job.
  discard: DiscardPolicy.New,
  max_msgs: -1,
  num_replicas: replicas,
  max_age: DAY * MILLISECOND_NS,
  allow_msg_ttl: true,
  // Needed for group commits.
  allow_atomic: true,
})

/** One record for each schedule. */
const schedulesStream = ({ replicas }: TopologyOptions): StreamSettings => ({
  name: SCHEDULES_STREAM,
  subjects: [ALL_SCHEDULES],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  // Only the api limits their number: a full stream of a cluster would refuse even a message that replaces another.
  max_msgs_per_subject: 1,
  // Every api and keeper has a copy of all of them, and reads it in batches.
  allow_direct: true,
  num_replicas: replicas,
})

/** One record for each request. */
const requestsStream = ({ replicas }: TopologyOptions): StreamSettings => ({
  name: REQUESTS_STREAM,
  subjects: [ALL_REQUESTS],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  discard: DiscardPolicy.Old,
  max_msgs_per_subject: 1,
  allow_msg_ttl: true,
  // Needed for group commits.
  allow_atomic: true,
  num_replicas: replicas,
})

/** One record for each version of a definition. */
const definitionsStream = ({ replicas }: TopologyOptions): StreamSettings => ({
  name: DEFINITIONS_STREAM,
  subjects: [ALL_DEFINITIONS],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  max_msgs_per_subject: 1,
  num_replicas: replicas,
})

/** Messages on their way to their batches, dead messages, and the keys that identify a repeated POST. */
const messagesStream = ({ replicas }: TopologyOptions): StreamSettings => ({
  name: MESSAGES_STREAM,
  subjects: [ALL_RECEIVED, ALL_DEAD_MESSAGES, messageKeySubject('*')],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  // No accepted message is dropped to make room; the api refuses new messages before the room is used up.
  discard: DiscardPolicy.New,
  num_replicas: replicas,
  allow_atomic: true,
  // Used by the keys, which share the stream because an atomic batch cannot cross streams.
  allow_msg_ttl: true,
  allow_direct: true,
})

/** One record for each shard, and the heartbeats of the ingest replicas. */
const ingestStream = ({ replicas }: TopologyOptions): StreamSettings => ({
  name: INGEST_STREAM,
  subjects: [ALL_SHARDS, ALL_INGEST_REPLICAS],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  max_msgs_per_subject: 1,
  allow_msg_ttl: true,
  num_replicas: replicas,
})

/** Messages that services store only to find out whether the broker can store. */
const probesStream = ({ replicas }: TopologyOptions): StreamSettings => ({
  name: PROBES_STREAM,
  subjects: [ALL_PROBES],
  storage: StorageType.File,
  retention: RetentionPolicy.Limits,
  max_msgs_per_subject: 1,
  num_replicas: replicas,
})

/** The settings that every stream should have. */
export const allStreams = (options: TopologyOptions): StreamSettings[] =>
  [
    jobsStream,
    keysStream,
    schedulesStream,
    requestsStream,
    definitionsStream,
    messagesStream,
    ingestStream,
    probesStream,
  ].map((settings) => settings(options))
