import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Child, startChild } from '../../scripts/servers/child.ts'
import { freePort } from '../../scripts/servers/free-port.ts'
import { answersOk, waitUntil } from '../../scripts/servers/wait-until.ts'
import { familyOf, Meter, type Role } from './meter.ts'
import { commandOf, type Peer, type PeerProcess } from './peers.ts'
import { type Store, stores, tool, toolEnv } from './stores.ts'

/** Numbers of a worker, from stats.mjs. Times are microseconds of `nowUs`; 0: not yet. */
export interface WorkerStats {
  count: number
  first: number
  last: number
  /** Time when the target-th handler started. */
  at: number
}

/** Results of the load generator. */
export interface Load {
  first_us: number
  last_us: number
  /** Number of answers 201. */
  ok: number
  errors: number
  why: string
  /** Microseconds. */
  p50: number
  p99: number
}

const READY_WITHIN_MS = 60_000
const POLL_MS = 50

/** @returns null when there was no answer in time */
const until = <T>(ask: () => Promise<T | null>, timeoutMs: number, everyMs = POLL_MS): Promise<T | null> =>
  waitUntil(ask, { what: 'the worker', timeoutMs, everyMs }).catch(() => null)

/** A peer with its store, api and worker, each a process, and the load on it. */
export class RunningPeer {
  readonly peer: Peer
  readonly #dir: string
  readonly #run: string
  readonly #port: number
  #store: Store | null = null
  #api: Child[] = []
  #worker: Child | null = null
  #load: ReturnType<typeof spawn> | null = null
  #launches = 0
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
    return this.#api.map(({ pid }) => pid)
  }

  get workerPid(): number | null {
    return this.#worker?.pid ?? null
  }

  get storePids(): number[] {
    const pid = this.#store?.child?.pid
    return pid === undefined ? [] : familyOf(pid)
  }

  meter(): Meter {
    const roles = (): Record<Role, number[]> => ({
      harness: [process.pid],
      api: this.apiPids.flatMap(familyOf),
      worker: this.workerPid === null ? [] : familyOf(this.workerPid),
      store: this.storePids,
      load: this.#load?.pid === undefined ? [] : [this.#load.pid],
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
    await this.#worker?.stop()
    this.#worker = null
  }

  async stop(): Promise<void> {
    this.#load?.kill('SIGKILL')
    for (const child of [this.#worker, ...this.#api]) await child?.stop()
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

  async #launch(what: PeerProcess, name: string, more: Record<string, string>): Promise<Child> {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_ENV: 'production',
      CONCURRENCY: '50',
      DATA_DIR: join(this.#dir, 'data'),
      ...this.peer.env,
      ...this.#store?.env,
      ...more,
    }
    if (what.before !== undefined) {
      const [program = '', ...args] = what.before
      // Without the port of the numbers: a handler that serves them would keep it from ending.
      const { STATS_PORT: _port, ...others } = env
      await promisify(execFile)(program, args, { env: others })
    }
    const logFile = join(this.#dir, `${name}-${this.#launches++}.log`)
    const child = await startChild(...commandOf(what), { env, cwd: import.meta.dirname, logFile })
    const isReady = async () =>
      what.readyPath === undefined
        ? (await readFile(logFile, 'utf8')).includes('ready')
        : answersOk(`http://127.0.0.1:${env['PORT']}${what.readyPath}`)
    await waitUntil(isReady, { what: `${name} (log: ${logFile})`, timeoutMs: READY_WITHIN_MS, child })
    return child
  }
}
