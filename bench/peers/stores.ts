import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Child, startChild } from '../../scripts/servers/child.ts'
import { freePort } from '../../scripts/servers/free-port.ts'
import { natsEnv } from '../../scripts/servers/nats.ts'
import { findOnPath } from '../../scripts/servers/run-command.ts'
import { waitUntil } from '../../scripts/servers/wait-until.ts'

// Each store runs on a free port of the loopback, with a fresh folder.

export interface Store {
  child: Child | null
  /** Environment variables by which the peer finds the store. */
  env: Record<string, string>
  stop(): Promise<unknown>
}

export interface StoreOptions {
  /** `appendfsync` of Redis. */
  fsync?: 'everysec' | 'always'
  /** `sync_interval` of nats-server. */
  sync?: string
}

const OPEN_WITHIN_MS = 20_000
const tools = join(import.meta.dirname, '.tools')
const libraries = join(tools, 'root/usr/lib/x86_64-linux-gnu')

/** Environment of programs that were unpacked and not installed. */
export const toolEnv: NodeJS.ProcessEnv = { ...process.env, LD_LIBRARY_PATH: libraries }

/** The path of a program that was installed here, or else on the machine. @throws when there is none */
export function tool(name: string): string {
  const found = [join(tools, 'bin', name), join(tools, 'root/usr/bin', name)].find((path) => existsSync(path))
  const path = found ?? findOnPath(name)
  if (path === undefined) throw new Error(`${name} is neither in bench/peers/.tools nor on PATH`)
  return path
}

/** Starts a program and waits until it accepts connections. */
async function launch(
  [command, ...args]: [string, ...string[]],
  port: number,
  logFile: string,
  env = toolEnv,
): Promise<Child> {
  const child = await startChild(command, args, { env, logFile, outlivesParentByS: 1 })
  const isOpen = async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return socket.destroy().destroyed
  }
  await waitUntil(isOpen, { what: `${command} (log: ${logFile})`, timeoutMs: OPEN_WITHIN_MS, child })
  return child
}

async function startRedis(dir: string, { fsync = 'everysec' }: StoreOptions): Promise<Store> {
  const port = await freePort()
  const data = join(dir, 'redis')
  mkdirSync(data)
  const listen = ['--port', String(port), '--bind', '127.0.0.1', '--dir', data]
  const durability = ['--save', '', '--appendonly', 'yes', '--appendfsync', fsync]
  const child = await launch([tool('redis-server'), ...listen, ...durability], port, join(dir, 'redis.log'))
  return { child, env: { REDIS_PORT: String(port) }, stop: () => child.stop() }
}

async function startNats(dir: string, { sync = '2m' }: StoreOptions): Promise<Store> {
  const port = await freePort()
  const file = join(dir, 'nats.conf')
  const profile = process.env['NATS_PROF']
  const lines = [
    `listen: "127.0.0.1:${port}"`,
    'max_payload: 4MB',
    ...(profile === undefined ? [] : [`prof_port: ${profile}`]),
    `jetstream { store_dir: "${join(dir, 'nats')}", sync_interval: ${sync}, limits { batch { max_msgs: 10100 } } }`,
  ]
  writeFileSync(file, lines.join('\n'))
  const program = process.env['NATS_SERVER_BIN'] ?? tool('nats-server')
  // On half of the cores, as `npm start` runs it.
  const child = await launch([program, '-c', file], port, join(dir, 'nats.log'), natsEnv())
  return { child, env: { NATS_URL: `nats://127.0.0.1:${port}` }, stop: () => child.stop() }
}

/** The folder of PostgreSQL's programs. */
export function postgresBin(): string {
  for (const base of ['/usr/lib/postgresql', join(tools, 'root/usr/lib/postgresql')]) {
    const versions = existsSync(base) ? readdirSync(base).toSorted((a, b) => Number(b) - Number(a)) : []
    const found = versions.map((version) => join(base, version, 'bin')).find((bin) => existsSync(join(bin, 'postgres')))
    if (found !== undefined) return found
  }
  throw new Error('postgres is missing from bench/peers/.tools')
}

/** The user of PostgreSQL, which refuses to run as root; null: the user of this process will do. */
function otherUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const [, , uid, gid] = lines.find((line) => /^(postgres|nobody):/.test(line))?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** Starts PostgreSQL in its stock configuration (fsync and synchronous_commit on): only its address is set. */
async function startPostgres(dir: string): Promise<Store> {
  const port = await freePort()
  const data = join(dir, 'pg')
  mkdirSync(data)
  const user = otherUser()
  if (user !== null) chownSync(data, user.uid, user.gid)
  const asUser = user === null ? [] : ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  const bin = postgresBin()
  const initial = ['-D', data, '-U', 'bench', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C']
  const [initdb = '', ...initdbArgs] = [...asUser, join(bin, 'initdb'), ...initial]
  execFileSync(initdb, initdbArgs, { env: toolEnv, stdio: 'ignore' })
  const listen = ['-D', data, '-p', String(port), '-c', 'listen_addresses=127.0.0.1']
  const socket = ['-c', `unix_socket_directories=${data}`]
  const [postgres = '', ...args] = [...asUser, join(bin, 'postgres'), ...listen, ...socket]
  const child = await launch([postgres, ...args], port, join(dir, 'pg.log'))
  const env = { PG_URL: `postgres://bench@127.0.0.1:${port}/postgres` }
  return { child, env, stop: () => child.stop(undefined, 'SIGINT') }
}

const nothing: Store = { child: null, env: {}, stop: () => Promise.resolve() }

/** The start of each kind of store, in a folder. */
export const stores = {
  none: () => Promise.resolve(nothing),
  redis: startRedis,
  nats: startNats,
  postgres: startPostgres,
} satisfies Record<string, (dir: string, options: StoreOptions) => Promise<Store>>
