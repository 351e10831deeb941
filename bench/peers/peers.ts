import { join } from 'node:path'
import { type StoreOptions, type stores, tool } from './stores.ts'

export type Phase = 'idle' | 'rate' | 'e2e' | 'accept' | 'backlog'
export const PHASES: readonly Phase[] = ['idle', 'rate', 'e2e', 'accept', 'backlog']

/** A process of a peer. */
export interface PeerProcess {
  command: string[]
  /** Path on its PORT that answers 2xx once the process is ready; without one, the process prints `ready`. */
  readyPath?: string
  /** Command that runs to its end before the process starts. */
  before?: string[]
}

export interface Peer {
  label: string
  api: PeerProcess[]
  /** null: the peer has no worker. */
  worker: PeerProcess | null
  store: keyof typeof stores
  storeOptions?: StoreOptions
  env?: Record<string, string>
  /** Environment of the load generator, for another shape of body. */
  loadEnv?: Record<string, string>
  /** Phases that the peer can run; by default all. */
  phases?: readonly Phase[]
  /** The part of a finished job that can still be read. */
  keeps: string
}

const here = import.meta.dirname
const node = process.execPath
const script = (file: string): PeerProcess => ({ command: [node, join(here, file)] })
const service = (file: string): PeerProcess => ({
  command: [node, join(here, '../../services', file)],
  readyPath: '/readyz',
})

const onNode = (adapter: string, store: Peer['store'], rest: Pick<Peer, 'label' | 'keeps'> & Partial<Peer>): Peer => ({
  api: [script('api.mjs')],
  worker: script('worker.mjs'),
  store,
  ...rest,
  env: { ADAPTER: adapter, ...rest.env },
})

/** Hasty as `npm start` runs it, each service in a process of its own. */
const hasty = (rest: Pick<Peer, 'label'> & Partial<Peer>): Peer => ({
  api: [service('api/main.ts'), service('keeper/main.ts')],
  worker: { ...service('job/main.ts'), before: [node, join(here, '../../services/job/setup.ts')] },
  store: 'nats',
  keeps: 'all events',
  loadEnv: { BENCH_TYPE: 'bench' },
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

const everysec = { fsync: 'everysec' } as const
const always = { fsync: 'always' } as const

/** Every peer, by the name that selects it. Each is set as its own documentation recommends for throughput. */
export const peers = {
  'bare-koa': onNode('bare', 'none', {
    label: 'bare Koa and nanoid (ceiling)',
    worker: null,
    phases: ['accept'],
    keeps: 'nothing',
  }),
  nats: onNode('nats', 'nats', { label: 'Koa and one JetStream publish (floor)', keeps: 'the stream' }),
  hasty: hasty({ label: 'Hasty, sync 10 ms', storeOptions: { sync: '10ms' } }),
  bullmq: onNode('bullmq', 'redis', {
    label: 'Koa and BullMQ, AOF everysec',
    storeOptions: everysec,
    keeps: 'the job',
  }),
  'hasty-always': hasty({
    label: 'Hasty, sync always',
    storeOptions: { sync: 'always' },
    env: { NATS_GROUP_COMMIT: 'true' },
  }),
  'bullmq-always': onNode('bullmq', 'redis', {
    label: 'Koa and BullMQ, AOF always',
    storeOptions: always,
    keeps: 'the job',
  }),
  pgboss: onNode('pgboss', 'postgres', { label: 'Koa and pg-boss', keeps: 'the job' }),
  graphile: onNode('graphile', 'postgres', { label: 'Koa and graphile-worker', keeps: 'nothing' }),
  asynq: {
    label: 'Go net/http and asynq, AOF everysec',
    api: [{ command: ['asynqpeer', 'api'] }],
    worker: { command: ['asynqpeer', 'worker'] },
    store: 'redis',
    storeOptions: everysec,
    keeps: 'nothing',
  },
} satisfies Record<string, Peer>

export type PeerName = keyof typeof peers

/** The command with the path of a program that `install` has made. */
export const commandOf = ({ command: [program = '', ...args] }: PeerProcess): [string, string[]] => [
  program.startsWith('/') ? program : tool(program),
  args,
]
