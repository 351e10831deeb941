import { join } from 'node:path'
import { type StoreOptions, type stores, tool } from './stores.ts'

/** Phases in the order in which they are measured: `backlog` leaves the fullest store behind. */
export const PHASES = ['idle', 'rate', 'e2e', 'accept', 'requests', 'messages', 'read', 'backlog'] as const
export type Phase = (typeof PHASES)[number]
/** Phases that every peer with a worker can run. */
const COMMON: readonly Phase[] = ['idle', 'rate', 'e2e', 'accept', 'backlog']

/** A process of a peer. */
export interface PeerProcess {
  /** Name by which its CPU and memory are told. */
  name: 'api' | 'keeper' | 'worker' | 'workflow' | 'ingest' | 'receiver'
  command: string[]
  /** Path on its PORT that answers 2xx once the process is ready; without one, the process prints `ready`. */
  readyPath?: string
  /** Command that runs to its end before the process starts. */
  before?: string[]
  /** Listens on the port of the load, beside the first process. */
  sharesPort?: true
}

export interface Peer {
  label: string
  /** The processes beside the worker; the first takes the load. */
  services: PeerProcess[]
  /** null: the peer has no worker. */
  worker: PeerProcess | null
  /** Processes that run in one phase only. */
  during?: Partial<Record<Phase, PeerProcess>>
  store: keyof typeof stores
  storeOptions?: StoreOptions
  env?: Record<string, string>
  /** The body of a POST of one job; $ID and $T are replaced. */
  body: string
  /** The body of a POST of a request of 3 steps of 4 jobs; null: the peer has no such thing. */
  requestBody: string | null
  phases: readonly Phase[]
  /** The part of a finished job that can still be read. */
  keeps: string
  /** A bound to compare with, and no job service. */
  isBound?: true
}

const here = import.meta.dirname
const node = process.execPath
const script = (name: PeerProcess['name'], file: string): PeerProcess => ({ name, command: [node, join(here, file)] })
/** BENCH_CPU_PROFILES is a folder into which each service writes its CPU profile when it stops. */
const profiles = process.env['BENCH_CPU_PROFILES']
const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
export const service = (name: PeerProcess['name'], file: string): PeerProcess => ({
  name,
  command: [node, ...profiling, join(here, '../../services', file)],
  readyPath: '/readyz',
})

const onNode = (adapter: string, store: Peer['store'], rest: Pick<Peer, 'label' | 'keeps'> & Partial<Peer>): Peer => ({
  services: [script('api', 'api.mjs')],
  worker: script('worker', 'worker.mjs'),
  store,
  body: '{"object_id":"$ID","t":$T}',
  requestBody: null,
  phases: COMMON,
  ...rest,
  env: { ADAPTER: adapter, ...rest.env },
})

const ourRequest = JSON.stringify({
  steps: ['one', 'two', 'three'].map((name) => ({
    name,
    jobs: ['a', 'b', 'c', 'd'].map((job) => ({ name: job, type: 'bench', payload: { t: '$T' } })),
  })),
}).replaceAll('"$T"', '$T')

/** Hasty as `npm start` runs it, each service in a process of its own. */
export const hasty = (rest: Pick<Peer, 'label'> & Partial<Peer>): Peer => ({
  services: [service('api', 'api/main.ts'), service('keeper', 'keeper/main.ts')],
  worker: { ...service('worker', 'job/main.ts'), before: [node, join(here, '../../services/job/setup.ts')] },
  during: { requests: service('workflow', 'workflow/main.ts'), messages: service('ingest', 'ingest/main.ts') },
  store: 'nats',
  keeps: 'all events',
  body: '{"object_id":"$ID","type":"bench","payload":{"t":$T}}',
  requestBody: ourRequest,
  phases: PHASES,
  ...rest,
  env: {
    LOG_LEVEL: 'warn',
    LOG_FORMAT: 'json',
    HANDLERS_DIR: join(here, 'hasty/handlers'),
    JOB_SLOTS: '200',
    HOST: '127.0.0.1',
    ...rest.env,
  },
})

const OTLP_PORT = '43181'

/** Hasty that sends the spans of one job in ten to a receiver. */
const tracedHasty = (label: string): Peer => {
  const traced = hasty({
    label,
    storeOptions: { sync: '10ms' },
    phases: ['e2e', 'accept'],
    env: {
      OTLP_PORT,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${OTLP_PORT}`,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    },
  })
  return { ...traced, services: [...traced.services, script('receiver', 'otlp-receiver.mjs')] }
}

const bullmq = (label: string, fsync: 'everysec' | 'always'): Peer =>
  onNode('bullmq', 'redis', {
    label,
    storeOptions: { fsync },
    keeps: 'the job',
    requestBody: '{"t":$T}',
    phases: [...COMMON, 'requests'],
  })

/** Every peer, by the name that selects it. Each is set as its own documentation recommends for throughput. */
export const peers = {
  'bare-koa': onNode('bare', 'none', {
    label: 'bare Koa and nanoid (ceiling)',
    worker: null,
    phases: ['accept'],
    keeps: 'nothing',
    isBound: true,
  }),
  nats: onNode('nats', 'nats', {
    label: 'Koa and one JetStream publish (floor)',
    keeps: 'the stream',
    isBound: true,
  }),
  hasty: hasty({ label: 'Hasty, sync 10 ms', storeOptions: { sync: '10ms' } }),
  'hasty-traced': tracedHasty('Hasty, sync 10 ms, one trace in ten'),
  bullmq: bullmq('Koa and BullMQ, AOF everysec', 'everysec'),
  'hasty-always': hasty({
    label: 'Hasty, sync always',
    storeOptions: { sync: 'always' },
    env: { NATS_GROUP_COMMIT: 'true' },
  }),
  'bullmq-always': bullmq('Koa and BullMQ, AOF always', 'always'),
  pgboss: onNode('pgboss', 'postgres', { label: 'Koa and pg-boss', keeps: 'the job' }),
  graphile: onNode('graphile', 'postgres', { label: 'Koa and graphile-worker', keeps: 'nothing' }),
  asynq: onNode('', 'redis', {
    label: 'Go net/http and asynq, AOF everysec',
    services: [{ name: 'api', command: ['asynqpeer', 'api'] }],
    worker: { name: 'worker', command: ['asynqpeer', 'worker'] },
    storeOptions: { fsync: 'everysec' },
    keeps: 'nothing',
  }),
} satisfies Record<string, Peer>

export type PeerName = keyof typeof peers

/** The command with the path of a program that `install` has made. */
export const commandOf = ({ command: [program = '', ...args] }: PeerProcess): [string, string[]] => [
  program.startsWith('/') ? program : tool(program),
  args,
]
