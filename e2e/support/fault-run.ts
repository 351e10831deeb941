import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { ARM_TIMERS, JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { waitUntil } from '../../scripts/servers/wait-until.ts'
import type { Evidence } from './check-invariants.ts'
import { type EffectSink, startEffectSink } from './effect-sink.ts'
import { type HastyOptions, type Processes, startHasty } from './hasty.ts'
import { type JobRequest, type Load, startLoad } from './load.ts'
import { type Poller, startPoller } from './poller.ts'
import { findOwner, freezeOwner, storeOf } from './projection-owner.ts'
import { connectTest, historiesOf, type LogEntry, readLog, startIn } from './read-log.ts'
import type { LogLine, Replica } from './replica.ts'

export interface FaultRunOptions extends HastyOptions {
  perSecond?: number
  total?: number
  request?: (n: number) => JobRequest
  /** Called before the load begins. */
  prepare?: (hasty: Processes) => Promise<void>
}

export type FaultRun = AsyncDisposable & {
  readonly hasty: Processes
  readonly load: Load
  readonly sink: EffectSink
  readonly nats: NatsConnection
  /** Resolves when this many posts were accepted. */
  acceptedReach(count: number): Promise<void>
  /** Reads the broker's current log. */
  log(): Promise<LogEntry[]>
  /** Finds the replica that applies the log to the store now. */
  owner(): Promise<Replica>
  /**
   * Stops the owner in the middle of whatever it does but a write: one that is frozen inside a write keeps the lock of
   * the embedded store, and no other can take over before it is woken or killed.
   */
  freezeOwner(): Promise<Replica>
  /** Resolves when another replica applies the log. */
  ownerIsNot(former: Replica): Promise<void>
  /**
   * Ends the load, waits until every job has ended on every replica and nothing is left at the broker, and collects the
   * evidence for the checker. `kept`: messages read earlier, where the log is trimmed in the meantime.
   */
  settle(kept?: Iterable<LogEntry>): Promise<Evidence>
}

const COOLDOWN_MS = 2_000
const SETTLE_MS = 60_000

/** A cluster with small times, steady load, a crowd of readers and a sink for effects: a test adds the fault. */
export async function startFaultRun(options: FaultRunOptions = {}): Promise<FaultRun> {
  await using undo = new AsyncDisposableStack()
  const sink = undo.use(await startEffectSink())
  const env: Record<string, string> = { ...smallTimes, EFFECT_SINK_URL: sink.url, ...options.env }
  const hasty = undo.use(await startHasty({ apis: 2, keepers: 2, jobs: 2, nginx: true, ...options, env }))
  const nats = await connectTest(hasty.nats.url)
  undo.defer(() => nats.close())
  await options.prepare?.(hasty)
  const load = startLoad({
    url: hasty.url,
    perSecond: options.perSecond ?? 60,
    ...(options.total === undefined ? {} : { total: options.total }),
    request: options.request ?? mixedRequest,
  })
  undo.defer(() => load.stop())
  const poller = startPoller(hasty.url, load)
  undo.defer(() => poller.stop())

  const stack = undo.move()
  const cooldownMs = Number(env['COOLDOWN_MS'])
  return {
    hasty,
    load,
    sink,
    nats,
    acceptedReach: (count) => acceptedReach(load, count),
    log: () => readLog(nats),
    owner: () => findOwner(hasty),
    freezeOwner: () => freezeOwner(hasty),
    ownerIsNot: async (former) => {
      const isOther = async () => (await findOwner(hasty)) !== former
      await waitUntil(isOther, { what: `another owner than ${former.name}`, timeoutMs: 20_000, everyMs: 100 })
    },
    settle: (kept = []) => settle({ hasty, nats, load, poller, sink, cooldownMs, kept }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const smallTimes: Record<string, string> = {
  COOLDOWN_MS: String(COOLDOWN_MS),
  LEASE_MS: '2000',
  JOB_TIMEOUT_MS: '10000',
  SLEEP_MIN_MS: '10',
  SLEEP_MAX_MS: '200',
  JOB_SLOTS: '40',
  DRAIN_MS: '500',
  HOUSEKEEPING_MS: '500',
  LOG_LEVEL: 'info',
  // Overrides the machine's own environment: these runs read the embedded store's file.
  MONGO_URL: '',
  HANDLERS_DIR: join(import.meta.dirname, '../handlers'),
}

/** Short and longer jobs, some that fail at first, in all priorities; every tenth reuses an object_id. */
export function mixedRequest(n: number): JobRequest {
  const priority = (['high', 'normal', 'low'] as const)[n % 3] ?? 'normal'
  if (n % 10 === 9) return { object_id: `object-${n - 4}`, type: 'effect', payload: { ms: 20 }, priority }
  const payload = { ms: n % 7 === 0 ? 1_000 : 20 + (n % 5) * 40, failures: n % 8 === 0 ? 1 + (n % 3) : 0 }
  return { object_id: `object-${n}`, type: 'effect', payload, priority }
}

async function acceptedReach(load: Load, count: number): Promise<void> {
  await waitUntil(() => load.accepted.length >= count, { what: `${count} accepted jobs`, timeoutMs: 60_000 })
}

interface Scene {
  hasty: Processes
  nats: NatsConnection
  load: Load
  poller: Poller
  sink: EffectSink
  cooldownMs: number
  kept: Iterable<LogEntry>
}

async function settle(scene: Scene): Promise<Evidence> {
  const { hasty, nats, load, poller, sink } = scene
  await load.stop()
  await waitUntil(() => isAtRest(nats), { what: 'nothing left at the broker', timeoutMs: SETTLE_MS, everyMs: 200 })
  const log = await wholeLog(scene)
  const ids = [...historiesOf(log).keys()]
  await using store = await storeOf(hasty)
  const stored = async () => new Map([...(await store.getMany(ids))].map(([id, { job }]): [string, Job] => [id, job]))
  await waitUntil(
    async () => [...(await stored()).values()].filter(({ finished_at }) => finished_at).length === ids.length,
    {
      what: `the end of ${ids.length} jobs in the store`,
      timeoutMs: SETTLE_MS,
      everyMs: 200,
    },
  )
  await poller.stop()
  return {
    cooldownMs: scene.cooldownMs,
    posts: load.posts,
    readings: poller.readings,
    log,
    answers: (await Promise.all(hasty.api.map((replica) => askAll(replica, ids)))).flat(),
    stored: await stored(),
    effects: await sink.effects(),
    lanes: [...(await listLanes({ nc: nats })), { name: ARM_TIMERS, ...(await armTimersFloor(nats)) }],
    timers: await timersLeft(nats),
    processes: await memoryOf(hasty),
    complaints: (await Promise.all([...hasty.api, ...hasty.keeper, ...hasty.job].map(complaintsOf))).flat(),
  }
}

/** Throws while something is left, with a message that names it. */
async function isAtRest(nats: NatsConnection): Promise<boolean> {
  const before = await lastSeq(nats)
  const lanes = [...(await listLanes({ nc: nats })), { name: ARM_TIMERS, ...(await armTimersFloor(nats)) }]
  const busy = lanes.filter(({ pending, ackPending }) => pending > 0 || ackPending > 0)
  const timers = await timersLeft(nats)
  // A job on its way between them (event, timer, trigger) writes to the log: the answers then do not fit together.
  if (busy.length === 0 && timers.length === 0 && (await lastSeq(nats)) === before) return true
  const text = busy.map(({ name, pending, ackPending }) => `${name}: ${pending} pending, ${ackPending} unacked`)
  throw new Error([...text, ...timers].join('; '))
}

async function armTimersFloor(nats: NatsConnection): Promise<{ pending: number; ackPending: number }> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const info = await manager.consumers.info(JOBS_STREAM, ARM_TIMERS)
  return { pending: info.num_pending, ackPending: info.num_ack_pending }
}

async function lastSeq(nats: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  return (await manager.streams.info(JOBS_STREAM)).state.last_seq
}

async function timersLeft(nats: NatsConnection): Promise<string[]> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const { state } = await manager.streams.info(JOBS_STREAM, { subjects_filter: 'job:timer.>' })
  return Object.keys(state.subjects ?? {})
}

async function wholeLog({ nats, kept }: Scene): Promise<LogEntry[]> {
  const entries = new Map([...kept].map((entry) => [entry.seq, entry]))
  for (const entry of await readLog(nats)) entries.set(entry.seq, entry)
  return [...entries.values()].toSorted((a, b) => a.seq - b.seq)
}

async function askAll(replica: Replica, ids: string[]): Promise<Evidence['answers'][number][]> {
  const answers: Evidence['answers'][number][] = []
  for (const jobId of ids) {
    const response = await fetch(`${replica.url}/${jobId}`)
    const body: unknown = await response.json()
    const view = response.status === 200 ? (body as JobView) : null
    answers.push({ replica: replica.name, job_id: jobId, httpStatus: response.status, view })
  }
  return answers
}

async function memoryOf(hasty: Processes): Promise<Evidence['processes'][number][]> {
  const processes = [
    ...hasty.api,
    ...hasty.keeper,
    ...hasty.job,
    { name: 'nats-server', pid: hasty.nats.pid, running: true },
  ]
  const alive = processes.filter(({ running }) => running)
  return Promise.all(
    alive.map(async ({ name, pid }) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      return { name, rssBytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024 }
    }),
  )
}

/** Whether a line logs an uncaught error; the end of a worker that a handler blocks has none. Crashes print no JSON. */
const isComplaint = ({ level, service, err }: LogLine): boolean =>
  level === undefined || (level === 'fatal' && service !== 'start' && err !== undefined)

async function complaintsOf(replica: Replica): Promise<string[]> {
  const lines = await replica.logs()
  return lines.filter(isComplaint).map((line) => `${replica.name}: ${JSON.stringify(line)}`)
}

/** Every start of an attempt in the log. */
export const startsOf = (log: readonly LogEntry[]) =>
  log.flatMap(({ event, timeMs, seq }) => {
    const start = event === null ? null : startIn(event)
    return start === null ? [] : [{ ...start, timeMs, seq }]
  })
