import { z } from 'zod'
import { PRIORITIES, type Priority } from './job.ts'

export const JOBS_STREAM = 'JOBS'
export const KEYS_STREAM = 'KEYS'
export const SCHEDULES_STREAM = 'SCHEDULES'

/** Events of a job's history, in subjects of four tokens: `<event>.<type>.<priority>.<job_id>`. */
export const JOB_EVENTS = [
  'job:created',
  'job:started',
  'job:progress',
  'job:retrying',
  'job:released',
  'job:finished',
  'job:cancelled',
  'job:failed',
  'job:scheduled',
] as const
export type JobEventName = (typeof JOB_EVENTS)[number]

export const isTerminalEvent = (event: JobEventName): boolean =>
  event === 'job:finished' || event === 'job:cancelled' || event === 'job:failed'

export const TYPE_PATTERN = /^[a-z][a-z0-9_-]{0,63}$/
/** The name of a job type, as callers and handlers give it. */
export const typeSchema = z.string().regex(TYPE_PATTERN, 'must be 1 to 64 of a-z, 0-9, _ and -, a letter first')

/** The address of a job: everything that a writer needs besides the event's name. */
export interface JobAddress {
  type: string
  priority: Priority
  job_id: string
}

export const eventSubject = (event: JobEventName, job: JobAddress): string =>
  `${event}.${job.type}.${job.priority}.${job.job_id}`

/** The whole history of one job: every compare-and-set compares with its last event. */
export const historyFilter = (job: JobAddress): string => `*.${job.type}.${job.priority}.${job.job_id}`

/** The history by id alone. Its cost grows with the number of types: use it only for reads by bare id. */
export const historyFilterById = (jobId: string): string => `*.*.*.${jobId}`

/** Every history event, but no timer or trigger, which have five tokens. */
export const ALL_HISTORY = '*.*.*.*'

/** Filter of all cancels of a type's jobs. */
export const cancelsOf = (type: string): string => `job:cancelled.${type}.*.*`

/** Filter of all starts of attempts. */
export const STARTS = 'job:started.*.*.*'

export const timerSubject = (job: JobAddress): string => `job:timer.${job.type}.${job.priority}.${job.job_id}.t`
export const dueSubject = (job: JobAddress): string => `job:due.${job.type}.${job.priority}.${job.job_id}.t`

/** Messages that services store only to find out whether the broker can store: one for each kind, read by nobody. */
export const PROBES_STREAM = 'PROBES'
export const ALL_PROBES = 'probe.*'
export const probeSubject = (service: string): string => `probe.${service}`
/** The record of the broker's last start. */
export const BROKER_START = 'probe.broker-start'
/**
 * Stored for a second where publishes to the log itself are slow, to find out whether the broker can store in it. With
 * five tokens no history filter matches it, and no lane.
 */
export const LOG_PROBE = 'job:timer.probe.normal.probe.t'
/** The probe of the stream of keys. */
export const KEYS_PROBE = 'key.probe'

export const JOBS_STREAM_SUBJECTS = [...JOB_EVENTS.map((event) => `${event}.>`), 'job:timer.>', 'job:due.>']

/** Prefix under which the stream republishes stored events. Nobody listens on the job subjects themselves. */
export const LIVE_PREFIX = 'live.'

/** `any` is the single lane of a type with a concurrency limit. */
export type LanePriority = Priority | 'any'

export const laneName = (type: string, priority: LanePriority): string => `work-${type}-${priority}`

export function laneFilters(type: string, priority: LanePriority): string[] {
  const token = priority === 'any' ? '*' : priority
  return [`job:created.${type}.${token}.*`, `job:due.${type}.${token}.>`]
}

/** A type without a concurrency limit has one lane for each priority. */
export const LANES_PER_TYPE = PRIORITIES.length

/** The consumer by which the projection reads the log: the only one that the keeper may create. */
export const PROJECTION = 'projection'

export const ARM_TIMERS = 'arm-timers'
export const ARM_TIMERS_FILTERS = ['job:retrying.>', 'job:scheduled.>']

/** The consumer of the ends of jobs, which the replicas of the workflow service share. */
export const JOB_ENDS = 'workflow'
export const JOB_ENDS_FILTERS = ['job:finished.>', 'job:failed.>', 'job:cancelled.>']

/** One message for each request. */
export const REQUESTS_STREAM = 'REQUESTS'
export const ALL_REQUESTS = 'request.*'
export const requestSubject = (requestId: string): string => `request.${requestId}`
export const requestIdOf = (subject: string): string => subject.slice(subject.indexOf('.') + 1)
/** One message for each version of a definition. */
export const DEFINITIONS_STREAM = 'DEFINITIONS'
export const ALL_DEFINITIONS = 'definition.*.*'
/** @param nameHash one token */
export const definitionSubject = (nameHash: string, version: number | '*'): string =>
  `definition.${nameHash}.${version}`
/** The consumer of new versions of requests, which the replicas of the workflow service share. */
export const REQUEST_CHANGES = 'workflow'

/** Messages that `POST /message` accepted, by shard. */
export const MESSAGES_STREAM = 'MESSAGES'
export const ALL_RECEIVED = 'message:received.*'
export const receivedSubject = (shard: number): string => `message:received.${shard}`
/** Marks that the messages of one POST are stored: written with them, by compare-and-set 0. @param id one token */
export const messageKeySubject = (id: string): string => `message:key.${id}`
/** The probe of the stream of messages. */
export const MESSAGES_PROBE = messageKeySubject('probe')
/** A message that no attempt could process, under its original sequence. */
export const deadMessageSubject = (shard: number, seq: number): string => `message:dead.${shard}.${seq}`
export const ALL_DEAD_MESSAGES = 'message:dead.*.*'
export const deadMessagesOf = (shard: number): string => `message:dead.${shard}.*`
/** The feed of a shard, opened by the replica that owns the shard. */
export const shardFeed = (shard: number): string => `ingest-${shard}`

/** One record for each shard, and a heartbeat of each replica of the ingest service. */
export const INGEST_STREAM = 'INGEST'
export const ALL_SHARDS = 'shard.*'
export const shardSubject = (shard: number): string => `shard.${shard}`
export const ALL_INGEST_REPLICAS = 'ingest-replica.*'
export const ingestReplicaSubject = (replicaId: string): string => `ingest-replica.${replicaId}`
/** Suffix of a replica's id: the replica lives, and takes no more shards. Ids have no colon. */
export const LEAVING_MARK = ':leaving'

export const ALL_SCHEDULES = 'schedule.*'
/** @param nameHash one token */
export const scheduleSubject = (nameHash: string): string => `schedule.${nameHash}`

/**
 * Core request `{job_id}` -> `yes`
 * `no`: whether this worker still runs that job. An empty one gets no answer from the worker: the broker's own, that
 * nobody listens, tells that the worker's connection is gone.
 */
export const holdsSubject = (workerId: string): string => `worker.${workerId}.holds`

/** Core message of each worker to all workers, once a second: a HeldList. */
export const HELD_LISTS = 'worker.held'

/** Core request of the api to the process that lends jobs to HTTP workers. */
export const workSubject = (gatewayId: string): string => `worker.${gatewayId}.work`

/** Subject of the answer to one such request, which may take a minute. */
export const workAnswerSubject = (callerId: string, token: string): string => `worker.answer.${callerId}.${token}`

/** Core message to all processes that lend jobs: an attempt that one of them may vouch for was ended through another. */
export const LENT_ENDED = 'worker.lent.ended'

/** Core message to all processes that lend jobs: the id of an HTTP worker that let a lease run out. */
export const LEASE_LOST = 'worker.lent.lost'

/** Core request, answered by every worker with a WorkerPresence. */
export const WHO_WORKS = 'worker.who'

/** Core request, answered by one of the workflow services: how many requests have not ended. */
export const OPEN_REQUESTS = 'workflow.open'

/** Core message to all workers: the lanes of this type were changed or resumed; look at them now. */
export const LANES_CHANGED = 'worker.lanes'
/** Core message to all workers: the lanes of this type are about to be replaced; LANES_CHANGED follows. */
export const LANES_CHANGING = 'worker.lanes.changing'

export interface ParsedSubject extends JobAddress {
  event: JobEventName | 'job:due' | 'job:timer'
}

const KNOWN_EVENTS: ReadonlySet<string> = new Set([...JOB_EVENTS, 'job:due', 'job:timer'])

/** @returns null for a subject that is not Hasty's */
export function parseSubject(subject: string): ParsedSubject | null {
  const [event, type, priority, jobId] = subject.split('.')
  if (event === undefined || type === undefined || jobId === undefined) return null
  if (!KNOWN_EVENTS.has(event) || !PRIORITIES.includes(priority as Priority)) return null
  return { event: event as ParsedSubject['event'], type, priority: priority as Priority, job_id: jobId }
}
