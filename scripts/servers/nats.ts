import { readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { resolve as absolute, join } from 'node:path'
import { type Child, commandLineOf, type Exit, startChild } from './child.ts'
import { findNatsServer } from './find-nats-server.ts'
import { freePort } from './free-port.ts'
import { waitUntil } from './wait-until.ts'

export type NatsOptions = {
  /** Folder of the configuration, the log and the data; the same folder means the same server. */
  dir: string
  port?: number
  /** `always`: an ack means "on disk". `10ms`: a power cut may cost the last 10 ms, a kill -9 nothing. */
  syncInterval?: string
  /**
   * Limit of the files; by default the free space of the disk: a fixed limit knows nothing of other data that comes to
   * lie there, or of a disk that grows.
   */
  maxFileBytes?: number
  /** Port of the health endpoint, on this machine alone. */
  monitorPort?: number
  /** Seconds for which the server stays for others when this process is killed. */
  outlivesParentByS?: number
  /** Path of nats-server, when the caller has found it already. */
  bin?: string
  /** Ends the first start, and everything that it has started. */
  signal?: AbortSignal | undefined
}

export type NatsServer = AsyncDisposable & {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Settles at the end of the process that runs now. */
  readonly exited: Promise<Exit>
  readonly logFile: string
  /** Sends SIGKILL, SIGSTOP, SIGCONT ...; resolves when a deadly signal has done its work. */
  kill(signal: NodeJS.Signals): Promise<void>
  readonly stop: () => Promise<void>
  /** Starts the server again on the same port and data; stops the process first if it still runs. */
  restart(): Promise<void>
}

// Events carry a body of up to 1 MiB as a JSON string inside JSON: twice that when all of it must be escaped.
const maxPayloadBytes = 4 << 20
const NO_LIMIT = 2 ** 50

export async function startNatsServer(options: NatsOptions): Promise<NatsServer> {
  const dir = absolute(options.dir)
  const bin = options.bin ?? (await findNatsServer(options.signal)).path
  await mkdir(dir, { recursive: true })
  await killStale(dir)
  const port = options.port ?? (await freePort())
  await writeFile(configPath(dir), config({ ...options, dir, port }))
  const start = (signal?: AbortSignal) => launch(bin, { ...options, dir, port, signal })
  let child = await start(options.signal)

  const stop = async () => {
    await child.stop()
    await rm(pidPath(dir), { force: true })
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    logFile: join(dir, 'nats-server.log'),
    get pid() {
      return child.pid
    },
    get exited() {
      return child.exited
    },
    kill: async (signal) => {
      child.kill(signal)
      if (['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGQUIT'].includes(signal)) await child.exited
    },
    stop,
    restart: async () => {
      await child.stop()
      child = await start()
    },
    [Symbol.asyncDispose]: stop,
  }
}

/**
 * This process's environment, and half of the cores for the broker unless GOMAXPROCS is set: the services beside it need
 * the others, and threads of Go that look for work on all of them cost a sixth of the broker's CPU on two cores. Its
 * garbage is half of what it uses at most, unless GOGC is set: at Go's 100 it was as much, for no measurable CPU.
 */
export function natsEnv(): NodeJS.ProcessEnv {
  const cores = Math.max(1, Math.floor(availableParallelism() / 2))
  return { GOMAXPROCS: String(cores), GOGC: '50', ...process.env }
}

async function launch(bin: string, options: NatsOptions & { port: number }): Promise<Child> {
  const { dir, port, outlivesParentByS = 0, signal } = options
  const logFile = join(dir, 'nats-server.log')
  const args = ['--config', configPath(dir)]
  const child = await startChild(bin, args, { ownGroup: true, logFile, outlivesParentByS, env: natsEnv() })
  await writeFile(pidPath(dir), String(child.pid))
  // Loading a large store takes a while.
  const wait = { what: `nats-server (log: ${logFile})`, timeoutMs: 60_000, child, signal }
  await waitUntil(() => greets(port), wait).catch(async (error: unknown) => {
    await child.stop()
    throw error
  })
  return child
}

function config(options: NatsOptions & { port: number }): string {
  return `# Written at every start; changes made here are lost.
listen: "127.0.0.1:${options.port}"
${options.monitorPort === undefined ? '' : `http: "127.0.0.1:${options.monitorPort}"\n`}server_name: "hasty-${options.port}"
max_payload: ${maxPayloadBytes}
jetstream {
  store_dir: ${JSON.stringify(storeDir(options.dir))}
  max_file_store: ${options.maxFileBytes ?? NO_LIMIT}
  sync_interval: ${JSON.stringify(options.syncInterval ?? '10ms')}
  # Atomic batches of jobs, and of messages with their key; the broker's own limit is 1,000.
  limits { batch { max_msgs: 10100 } }
}
`
}

/** True when the server sends the line every NATS connection starts with. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.setTimeout(1000, () => socket.destroy(new Error('connected, but no INFO within 1 s')))
    socket.once('error', reject)
    socket.once('data', (chunk) => {
      socket.destroy()
      resolve(chunk.toString().startsWith('INFO '))
    })
  })
}

/**
 * Ends a server that outlived its parent: after a kill -9 of the parent nats-server goes on, and two servers on one
 * store would destroy it.
 */
async function killStale(dir: string): Promise<void> {
  const pid = stalePid(dir)
  if (pid === undefined) return
  const isOurs = () => commandLineOf(pid)?.includes(configPath(dir)) ?? false
  if (!isOurs()) return
  process.kill(pid, 'SIGTERM')
  process.kill(pid, 'SIGCONT')
  await waitUntil(() => !isOurs(), { what: `the end of an earlier nats-server (pid ${pid})` })
}

function stalePid(dir: string): number | undefined {
  try {
    return Number(readFileSync(pidPath(dir), 'utf8')) || undefined
  } catch {
    return undefined
  }
}

function storeDir(dir: string): string {
  return join(dir, 'data')
}

function configPath(dir: string): string {
  return join(dir, 'nats-server.conf')
}

function pidPath(dir: string): string {
  return join(dir, 'nats-server.pid')
}
