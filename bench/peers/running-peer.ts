import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../../scripts/servers/free-port.ts'
import { familyOf, Meter, type Role } from './meter.ts'
import { commandOf, type Peer, type PeerProcess } from './peers.ts'
import { type Store, stopChild, stores, tool, toolEnv } from './stores.ts'

/** What a worker says of itself: see stats.mjs. Times in microseconds of `nowUs`, 0: not yet. */
export interface WorkerStats {
  count: number
  first: number
  last: number
  /** When the target-th handler started. */
  at: number
}

/** What the load generator says of its requests. */
export interface Load {
  first_us: number
  last_us: number
  /** Answers 201. */
  ok: number
  errors: number
  why: string
  /** Microseconds. */
  p50: number
  p99: number
}

const READY_WITHIN_MS = 60_000
const LOG_SHOWN = 800
const POLL_MS = 50

/** Asks until there is an answer. @returns null when there was none in time */
export async function until<T>(ask: () => Promise<T | null>, withinMs: number, everyMs = POLL_MS): Promise<T | null> {
  for (const end = performance.now() + withinMs; ; await sleep(everyMs)) {
    const answer = await ask()
    if (answer !== null || performance.now() > end) return answer
  }
}

/** A peer with its store, api and worker, each a process, and the load on it. */
export class RunningPeer {
  readonly peer: Peer
  readonly #dir: string
  readonly #run: string
  readonly #port: number
  #store: Store | null = null
  #api: ChildProcess[] = []
  #worker: ChildProcess | null = null
  #load: ChildProcess | null = null
  #statsPort = 0
  #loads = 0

  /** @param run distinguishes this run's object_ids from those of others */
  private constructor(peer: Peer, dir: string, run: string, port: number) {
    this.peer = peer
    this.#dir = dir
    this.#run = run
    this.#port = port
  }

  static async start(peer: Peer, dir: string, run: string): Promise<RunningPeer> {
    const running = new RunningPeer(peer, dir, run, await freePort())
    try {
      running.#store = await stores[peer.store](dir, peer.storeOptions ?? {})
      await running.startWorker(0)
      const ports = [running.#port, ...(await Promise.all(peer.api.slice(1).map(freePort)))]
      // Together, because one may be ready only once another is.
      running.#api = await Promise.all(
        peer.api.map((process, n) => running.#launch(process, 'api', { PORT: String(ports[n]) })),
      )
      return running
    } catch (error) {
      await running.stop()
      throw error
    }
  }

  get apiPids(): number[] {
    return this.#api.map(pidOf)
  }

  get workerPid(): number | null {
    return this.#worker === null ? null : pidOf(this.#worker)
  }

  get storePids(): number[] {
    const child = this.#store?.child ?? null
    return child === null ? [] : familyOf(pidOf(child))
  }

  meter(): Meter {
    const roles = (): Record<Role, number[]> => ({
      harness: [process.pid],
      api: this.apiPids.flatMap(familyOf),
      worker: this.workerPid === null ? [] : familyOf(this.workerPid),
      store: this.storePids,
      load: this.#load === null ? [] : [pidOf(this.#load)],
    })
    return new Meter(roles).start()
  }

  /** @param target the number of starts whose time is wanted */
  async startWorker(target: number): Promise<void> {
    const { worker } = this.peer
    if (worker === null) return
    this.#statsPort = await freePort()
    const ports = { PORT: String(await freePort()), STATS_PORT: String(this.#statsPort) }
    this.#worker = await this.#launch(worker, 'worker', { ...ports, TARGET: String(target) })
  }

  async stopWorker(): Promise<void> {
    await stopChild(this.#worker)
    this.#worker = null
  }

  async stop(): Promise<void> {
    this.#load?.kill('SIGKILL')
    for (const child of [this.#worker, ...this.#api]) await stopChild(child)
    await this.#store?.stop()
  }

  async askWorker<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#statsPort}${path}`)
    return (await response.json()) as T
  }

  /** @returns null when the target was not reached in time */
  untilTarget(withinMs: number): Promise<WorkerStats | null> {
    return until(async () => {
      const stats = await this.askWorker<WorkerStats>('/')
      return stats.at === 0 ? null : stats
    }, withinMs)
  }

  /** Whether the store came to have nothing that waits or runs. */
  async drained(withinMs = 150_000): Promise<boolean> {
    const isEmpty = async () => ((await this.askWorker<{ depth: number }>('/depth')).depth === 0 ? true : null)
    return (await until(isEmpty, withinMs, 3 * POLL_MS)) === true
  }

  /** @param args of go/lg */
  async load(connections: number, ...args: (string | number)[]): Promise<Load> {
    const prefix = `${this.#run}-${this.#loads++}-`
    const all = ['-addr', `127.0.0.1:${this.#port}`, '-c', connections, '-prefix', prefix, ...args].map(String)
    return JSON.parse(await this.#runLoad(tool('lg'), all, {})) as Load
  }

  /** @returns what post.lua prints */
  async wrk<T>(connections: number, seconds: number): Promise<T> {
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', join(import.meta.dirname, 'post.lua')]
    const env = { BENCH_PREFIX: `${this.#run}-${this.#loads++}-` }
    const output = await this.#runLoad(tool('wrk'), [...args, `http://127.0.0.1:${this.#port}/`], env)
    return JSON.parse(/JSON(\{.*\})/.exec(output)?.[1] ?? '') as T
  }

  async #runLoad(command: string, args: string[], env: Record<string, string>): Promise<string> {
    const child = spawn(command, args, {
      env: { ...toolEnv, ...this.peer.loadEnv, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#load = child
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    const code = await ended
    this.#load = null
    if (code !== 0) throw new Error(`the load generator ended with ${code}: ${output}`)
    return output
  }

  async #launch(what: PeerProcess, name: string, more: Record<string, string>): Promise<ChildProcess> {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_ENV: 'production',
      CONCURRENCY: '50',
      DATA_DIR: join(this.#dir, 'data'),
      ...this.peer.env,
      ...this.#store?.env,
      ...more,
    }
    const logFile = join(this.#dir, `${name}.log`)
    if (what.before !== undefined) {
      const [program = '', ...args] = what.before
      // Without the port of the numbers: a handler that serves them would keep it from ending.
      const { STATS_PORT: _port, ...others } = env
      await promisify(execFile)(program, args, { env: others })
    }
    const log = openSync(logFile, 'a')
    const child = spawn(...commandOf(what), { env, stdio: ['ignore', 'pipe', log], cwd: import.meta.dirname })
    closeSync(log)
    const isReady = what.readyPath === undefined ? saysReady(child) : answers(env['PORT'], what.readyPath)
    await Promise.race([isReady, endedEarly(child, name, logFile)])
    return child
  }
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the process did not start')
  return pid
}

const saysReady = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('ready')) resolve()
    })
  })

async function answers(port: string | undefined, path: string): Promise<void> {
  const ask = async () => (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null))?.ok ?? null
  if ((await until(async () => ((await ask()) === true ? true : null), READY_WITHIN_MS)) === null)
    throw new Error(`nothing is ready on port ${port}`)
}

async function endedEarly(child: ChildProcess, name: string, logFile: string): Promise<never> {
  const [code] = await new Promise<[number | null]>((resolve) => child.once('exit', (exit) => resolve([exit])))
  throw new Error(`${name} ended with ${code}: ${readFileSync(logFile, 'utf8').slice(-LOG_SHOWN)}`)
}
