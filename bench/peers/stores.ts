import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../scripts/servers/free-port.ts'

// Each store on a free port of the loopback, with a fresh folder.

export interface Store {
  child: ChildProcess | null
  /** Where the peer finds it. */
  env: Record<string, string>
  stop(): Promise<void>
}

export interface StoreOptions {
  /** `appendfsync` of Redis. */
  fsync?: 'everysec' | 'always'
  /** `sync_interval` of nats-server. */
  sync?: string
}

const OPEN_WITHIN_MS = 20_000
const STOP_WITHIN_MS = 12_000
const tools = join(import.meta.dirname, '.tools')
const libraries = join(tools, 'root/usr/lib/x86_64-linux-gnu')

/** For programs that were unpacked and not installed. */
export const toolEnv: NodeJS.ProcessEnv = { ...process.env, LD_LIBRARY_PATH: libraries }

/** @throws when it was not installed */
export function tool(name: string): string {
  const found = [join(tools, 'bin', name), join(tools, 'root/usr/bin', name)].find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${name} is missing from bench/peers/.tools`)
  return found
}

export async function stopChild(
  child: ChildProcess | null,
  signal: NodeJS.Signals = 'SIGTERM',
  graceMs = STOP_WITHIN_MS,
): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(timer)
}

function launch(command: string, args: string[], log: string, options: { uid?: number; gid?: number } = {}) {
  const file = openSync(log, 'a')
  const child = spawn(command, args, { stdio: ['ignore', file, file], env: toolEnv, ...options })
  closeSync(file)
  return child
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (const until = performance.now() + OPEN_WITHIN_MS; performance.now() < until; await sleep(50)) {
    if (child.exitCode !== null) throw new Error('the store ended while it started')
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy().destroyed))
      socket.on('error', () => resolve(false))
    })
    if (isOpen) return
  }
  throw new Error('the store did not open its port')
}

async function startRedis(dir: string, { fsync = 'everysec' }: StoreOptions): Promise<Store> {
  const port = await freePort()
  const data = join(dir, 'redis')
  mkdirSync(data)
  const listen = ['--port', String(port), '--bind', '127.0.0.1', '--dir', data]
  const durability = ['--save', '', '--appendonly', 'yes', '--appendfsync', fsync]
  const child = launch(tool('redis-server'), [...listen, ...durability], join(dir, 'redis.log'))
  await untilOpen(port, child)
  return { child, env: { REDIS_PORT: String(port) }, stop: () => stopChild(child) }
}

async function startNats(dir: string, { sync = '2m' }: StoreOptions): Promise<Store> {
  const port = await freePort()
  const file = join(dir, 'nats.conf')
  const profile = process.env['NATS_PROF']
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    'max_payload: 4MB',
    ...(profile === undefined ? [] : [`prof_port: ${profile}`]),
    `jetstream { store_dir: "${join(dir, 'nats')}", sync_interval: ${sync} }`,
  ]
  writeFileSync(file, lines.join('\n'))
  const child = launch(process.env['NATS_SERVER_BIN'] ?? tool('nats-server'), ['-c', file], join(dir, 'nats.log'))
  await untilOpen(port, child)
  return { child, env: { NATS_URL: `nats://127.0.0.1:${port}` }, stop: () => stopChild(child) }
}

function postgresBin(): string {
  for (const base of ['/usr/lib/postgresql', join(tools, 'root/usr/lib/postgresql')]) {
    const versions = existsSync(base) ? readdirSync(base).toSorted((a, b) => Number(b) - Number(a)) : []
    const found = versions.map((version) => join(base, version, 'bin')).find((bin) => existsSync(join(bin, 'postgres')))
    if (found !== undefined) return found
  }
  throw new Error('postgres is missing from bench/peers/.tools')
}

/** PostgreSQL refuses to run as root. */
function ownerOf(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => /^(postgres|nobody):/.test(entry))
  const [, , uid, gid] = line?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** The stock configuration (fsync and synchronous_commit on): only its address is set. */
async function startPostgres(dir: string): Promise<Store> {
  const port = await freePort()
  const data = join(dir, 'pg')
  mkdirSync(data)
  const owner = ownerOf()
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(data, owner.uid, owner.gid)
  const bin = postgresBin()
  const initial = ['-D', data, '-U', 'bench', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C']
  execFileSync(join(bin, 'initdb'), initial, { ...owner, env: toolEnv, stdio: 'ignore' })
  const listen = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1']
  const child = launch(
    join(bin, 'postgres'),
    [...listen, '-c', `unix_socket_directories=${data}`],
    join(dir, 'pg.log'),
    owner,
  )
  await untilOpen(port, child)
  const env = { PG_URL: `postgres://bench@127.0.0.1:${port}/postgres` }
  return { child, env, stop: () => stopChild(child, 'SIGINT') }
}

const nothing: Store = { child: null, env: {}, stop: () => Promise.resolve() }

/** How each kind of store is started in a folder. */
export const stores = {
  none: () => Promise.resolve(nothing),
  redis: startRedis,
  nats: startNats,
  postgres: startPostgres,
} satisfies Record<string, (dir: string, options: StoreOptions) => Promise<Store>>
