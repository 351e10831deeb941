import { AckPolicy, type ConsumerInfo, DeliverPolicy, jetstreamManager } from '@nats-io/jetstream'
import { PRIORITIES } from '#shared/contracts/log/job.ts'
import { type JobTypeInfo, jobPolicySchema } from '#shared/contracts/log/job-type.ts'
import { JOBS_STREAM, type LanePriority, laneFilters, laneName } from '#shared/contracts/log/subjects.ts'
import { CONSUMER_NOT_FOUND, found, MILLISECOND_NS } from '../broker-codes.ts'
import type { Connected } from '../connection.ts'
import { UNLIMITED_PENDING } from '../topology/consumers.ts'
import { ensureConsumer, type TopologyOptions } from '../topology/topology.ts'

// A lane is the durable consumer that a type's workers share. A type has one of two shapes: without a limit on how many
// run at once it has a lane for each priority; with a limit, which the broker counts per consumer, it has one lane for
// all.

/** One lane of a job type, as the broker has it. The lanes are the registry of job types. */
export interface LaneInfo {
  name: string
  type: string
  /** `any` is the lane of a type with a limit. */
  priority: LanePriority
  /** The type as its handler declared it. */
  info: JobTypeInfo
  /** Limit of the jobs that run at once; null in a lane of a type without a limit. */
  limit: number | null
  paused: boolean
  /** Milliseconds after which a delivery goes to another worker unless it is renewed. */
  leaseMs: number
  pending: number
  ackPending: number
  /** Every message at or below this sequence was delivered and acked. */
  ackFloor: number
  /** Sequence of the message that was delivered last: what waits comes after it. */
  lastSeq: number
  /** Number of deliveries so far: the difference of two readings is the throughput. */
  delivered: number
  filters: string[]
}

/** Every shape a type's lanes may have. */
export const ALL_LANES: readonly LanePriority[] = [...PRIORITIES, 'any']

/** A concurrency limit counts per consumer, so a limited type has one lane. */
export const lanesOfShape = (concurrency: number | null): LanePriority[] =>
  concurrency === null ? [...PRIORITIES] : ['any']

export interface NewLane {
  concurrency: number | null
  leaseMs: number
  /** First sequence that is delivered; null: from the beginning. */
  startSeq: number | null
  isPaused: boolean
}

/**
 * Creates the missing lanes of a type; its policy and payload schema go into their metadata. Existing lanes are never
 * changed, nor is their shape: an operator may have chosen it.
 * @returns the shortest lease among them, milliseconds: a worker must renew within it, whatever its own setting says
 */
export async function ensureLanes(
  broker: Connected,
  info: JobTypeInfo,
  { leaseMs }: Pick<TopologyOptions, 'leaseMs'>,
): Promise<number> {
  const existing = await findLanes(broker, info.type)
  checkRunner(existing, info)
  const concurrency = existing.length === 0 ? info.policy.concurrency : shapeOf(existing)
  const lane = { concurrency, leaseMs, startSeq: null, isPaused: false }
  const leases: number[] = []
  for (const priority of lanesOfShape(concurrency))
    leases.push(leaseMsOf(await ensureLane(broker, info, priority, lane)))
  return Math.min(...leases)
}

/** @throws when the jobs of a type are run in another way: two kinds of worker would take them from each other */
function checkRunner(existing: ConsumerInfo[], { type, policy }: JobTypeInfo): void {
  const runner = existing.map(readLane).find((lane) => lane !== null)?.info.policy.runner ?? policy.runner
  if (runner === policy.runner) return
  throw new Error(
    runner === 'http'
      ? `the type ${type} is run by workers over HTTP: rename the handler, or remove the type with DELETE /v1/types/${type}`
      : `the type ${type} is run by a handler of the job service: choose another name`,
  )
}

export async function ensureLane(
  broker: Connected,
  info: JobTypeInfo,
  priority: LanePriority,
  lane: NewLane,
): Promise<ConsumerInfo> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  return ensureConsumer(manager, JOBS_STREAM, {
    durable_name: laneName(info.type, priority),
    filter_subjects: laneFilters(info.type, priority),
    ack_policy: AckPolicy.Explicit,
    ...(lane.startSeq === null
      ? { deliver_policy: DeliverPolicy.All }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: lane.startSeq }),
    ack_wait: lane.leaseMs * MILLISECOND_NS,
    max_deliver: -1,
    max_ack_pending: lane.concurrency ?? UNLIMITED_PENDING,
    max_waiting: 10_000,
    ...(lane.isPaused ? { pause_until: FOR_EVER.toISOString() } : {}),
    metadata: laneMetadata(info),
  })
}

/** The lanes that a type has now. */
export async function findLanes(broker: Connected, type: string): Promise<ConsumerInfo[]> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const lanes: ConsumerInfo[] = []
  for (const priority of ALL_LANES) {
    const lane = await found(() => manager.consumers.info(JOBS_STREAM, laneName(type, priority)), CONSUMER_NOT_FOUND)
    if (lane !== null) lanes.push(lane)
  }
  return lanes
}

/** The lanes that a type's workers take from. */
export interface LanesOfType {
  priorities: LanePriority[]
  /**
   * Messages after this sequence are in one lane alone, and one broker counts their deliveries. null: no message is known
   * to be, because one shape replaces the other, or because the next leader of a cluster may not know the last deliveries.
   */
  aloneSince: number | null
}

export async function lanesOfType(broker: Connected, type: string): Promise<LanesOfType> {
  const lanes = await findLanes(broker, type)
  const names = new Set(lanes.map(({ name }) => name))
  return {
    // While one shape replaces the other, both exist: only the single lane enforces the limit.
    priorities: names.has(laneName(type, 'any'))
      ? ['any']
      : PRIORITIES.filter((priority) => names.has(laneName(type, priority))),
    aloneSince: lanes.every(({ cluster }) => cluster === undefined) ? aloneSinceOf(lanes) : null,
  }
}

/**
 * Member of a lane's metadata: the log's last sequence when the lanes of another shape were gone; empty before, and while
 * they replace it.
 */
export const ALONE_SINCE = 'alone_since'

/** @returns null for lanes of which it was not noted yet */
function aloneSinceOf(lanes: ConsumerInfo[]): number | null {
  const noted = lanes.map(({ config }) => Number(config.metadata?.[ALONE_SINCE] || Number.NaN))
  return noted.some(Number.isNaN) ? null : Math.max(0, ...noted)
}

/**
 * How many jobs of a type may run at once, as its lanes say: the single lane counts, and outlives an interrupted
 * change.
 */
export function shapeOf(lanes: ConsumerInfo[]): number | null {
  const single = lanes.find(isSingle)
  return single === undefined ? null : (single.config.max_ack_pending ?? null)
}

export const haveOneShape = (lanes: ConsumerInfo[]): boolean => new Set(lanes.map(isSingle)).size <= 1

export const isSingle = (lane: Pick<ConsumerInfo, 'name'>): boolean => lane.name.endsWith('-any')

export const leaseMsOf = (lane: ConsumerInfo): number => (lane.config.ack_wait ?? 0) / MILLISECOND_NS

/** The end of a pause without an end, which the broker does not have. */
export const FOR_EVER = new Date('2200-01-01T00:00:00Z')

export const laneMetadata = (info: JobTypeInfo): Record<string, string> => ({
  type: info.type,
  policy: JSON.stringify(info.policy),
  payload_schema: JSON.stringify(info.payload_schema),
})

export async function listLanes(broker: Connected): Promise<LaneInfo[]> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })
  const lanes: LaneInfo[] = []
  for await (const consumer of manager.consumers.list(JOBS_STREAM)) {
    const lane = readLane(consumer)
    if (lane !== null) lanes.push(lane)
  }
  return lanes
}

export function readLane(consumer: ConsumerInfo): LaneInfo | null {
  const { metadata, filter_subjects, filter_subject } = consumer.config
  const type = metadata?.['type']
  if (type === undefined) return null
  const priority = ALL_LANES.find((one) => consumer.name === laneName(type, one))
  if (priority === undefined) return null
  const policy = jobPolicySchema.parse(JSON.parse(metadata?.['policy'] ?? 'null'))
  const payloadSchema = JSON.parse(metadata?.['payload_schema'] ?? 'null') as JobTypeInfo['payload_schema']
  return {
    name: consumer.name,
    type,
    priority,
    info: { type, policy, payload_schema: payloadSchema },
    limit: isSingle(consumer) ? (consumer.config.max_ack_pending ?? null) : null,
    paused: consumer.paused ?? false,
    leaseMs: leaseMsOf(consumer),
    pending: consumer.num_pending,
    ackPending: consumer.num_ack_pending,
    ackFloor: consumer.ack_floor.stream_seq,
    lastSeq: consumer.delivered.stream_seq,
    delivered: consumer.delivered.consumer_seq,
    filters: filter_subjects ?? (filter_subject === undefined ? [] : [filter_subject]),
  }
}
