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

/** Where the load goes; by default jobs of the peer's own shape to its api. */
export interface LoadTarget {
  port?: number
  path?: string
  body?: string
}

interface Running {
  name: PeerProcess['name']
  child: Child
}

/** For a peer with a thousand job types. */
const READY_WITHIN_MS = 180_000
const POLL_MS = 50

/** @returns null when there was no answer in time */
const until = <T>(ask: () => Promise<T | null>, timeoutMs: number, everyMs = POLL_MS): Promise<T | null> =>
  waitUntil(ask, { what: 'the worker', timeoutMs, everyMs }).catch(() => null)

/** A peer with its store, services and worker, each a process, and the load on it. */
export class RunningPeer {
  readonly peer: Peer
  /** The folder of its data and logs. */
  readonly dir: string
  readonly #run: string
  readonly #port: number
  #store: Store | null = null
  #services: Running[] = []
  #worker: Running | null = null
  #load: ReturnType<typeof spawn> | null = null
  #launches = 0
  #statsPort = 0
  #loads = 0

  /** @param run distinguishes this run's object_ids from those of others */
  private constructor(peer: Peer, dir: string, run: string, port: number) {
    this.peer = peer
    this.dir = dir
    this.#run = run
    this.#port = port
  }

  static async start(peer: Peer, dir: string, run: string): Promise<RunningPeer> {
    const running = new RunningPeer(peer, dir, run, await freePort())
    try {
      running.#store = await stores[peer.store](dir, peer.storeOptions ?? {})
      await running.startWorker(0)
      // Together, because one may be ready only once another is.
      const starting = peer.services.map(async (process, n) =>
        running.#startService(process, n === 0 || process.sharesPort ? running.#port : await freePort()),
      )
      await Promise.allSettled(starting)
      await Promise.all(starting)
      return running
    } catch (error) {
      await running.stop()
      throw error
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get dataDir(): string {
    return join(this.dir, 'data')
  }

  get workerPid(): number | null {
    return this.#worker?.child.pid ?? null
  }

  /** The processes by their names, with whatever they have started. */
  pids(): Partial<Record<Role, number[]>> {
    const running = [...this.#services, ...(this.#worker === null ? [] : [this.#worker])]
    const families = running.map(({ name, child }) => ({ name, pids: familyOf(child.pid) }))
    const store = this.#store?.child?.pid
    const pids: Partial<Record<Role, number[]>> = store === undefined ? {} : { store: familyOf(store) }
    for (const { name, pids: more } of families) pids[name] = [...(pids[name] ?? []), ...more]
    return pids
  }

  meter(): Meter {
    const load = () => (this.#load?.pid === undefined ? [] : [this.#load.pid])
    return new Meter(() => ({ ...this.pids(), harness: [process.pid], load: load() })).start()
  }

  /** @param target the number of starts whose time is wanted */
  async startWorker(target: number): Promise<void> {
    const { worker } = this.peer
    if (worker === null) return
    this.#statsPort = await freePort()
    const env = { STATS_PORT: String(this.#statsPort), TARGET: String(target) }
    this.#worker = { name: worker.name, child: await this.#launch(worker, await freePort(), env) }
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.child.stop()
    this.#worker = null
  }

  /** Does the work while one more process runs. @param work gets the port of the process */
  async beside<T>(process: PeerProcess | undefined, work: (port: number) => Promise<T>): Promise<T> {
    if (process === undefined) return work(this.#port)
    const port = await freePort()
    await this.#startService(process, port)
    try {
      return await work(port)
    } finally {
      await this.#services.pop()?.child.stop()
    }
  }

  async stop(): Promise<void> {
    this.#load?.kill('SIGKILL')
    await this.stopWorker()
    for (const { child } of this.#services) await child.stop()
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
  async load({ port = this.#port, path = '/', body = this.peer.body }: LoadTarget, ...args: (string | number)[]) {
    const target = ['-addr', `127.0.0.1:${port}`, '-path', path, '-body', body]
    const all = [...target, '-prefix', this.#newPrefix(), ...args].map(String)
    return JSON.parse(await this.#runLoad(tool('lg'), all, {})) as Load
  }

  /** @param paths to GET; without them jobs are POSTed. @returns what wrk.lua prints */
  async wrk<T>(connections: number, seconds: number, paths: string[] = []): Promise<T> {
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', join(import.meta.dirname, 'wrk.lua')]
    const env = { BENCH_PREFIX: this.#newPrefix(), BENCH_BODY: this.peer.body, BENCH_PATHS: paths.join(' ') }
    const output = await this.#runLoad(tool('wrk'), [...args, this.url], env)
    return JSON.parse(/JSON(\{.*\})/.exec(output)?.[1] ?? '') as T
  }

  #newPrefix(): string {
    return `${this.#run}-${this.#loads++}-`
  }

  async #runLoad(command: string, args: string[], env: Record<string, string>): Promise<string> {
    const child = spawn(command, args, { env: { ...toolEnv, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
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

  async #startService(what: PeerProcess, port: number): Promise<void> {
    this.#services.push({ name: what.name, child: await this.#launch(what, port, {}) })
  }

  async #launch(what: PeerProcess, port: number, more: Record<string, string>): Promise<Child> {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NODE_ENV: 'production',
      CONCURRENCY: '50',
      DATA_DIR: this.dataDir,
      ...this.peer.env,
      ...this.#store?.env,
      PORT: String(port),
      ...more,
    }
    if (what.before !== undefined) {
      const [program = '', ...args] = what.before
      // Without the port of the numbers: a handler that serves them would keep it from ending.
      const { STATS_PORT: _port, ...others } = env
      await promisify(execFile)(program, args, { env: others })
    }
    const logFile = join(this.dir, `${what.name}-${this.#launches++}.log`)
    const child = await startChild(...commandOf(what), { env, cwd: import.meta.dirname, logFile, outlivesParentByS: 1 })
    const isReady = async () =>
      what.readyPath === undefined
        ? (await readFile(logFile, 'utf8')).includes('ready')
        : answersOk(`http://127.0.0.1:${port}${what.readyPath}`)
    const wait = { what: `${what.name} (log: ${logFile})`, timeoutMs: READY_WITHIN_MS, child }
    await waitUntil(isReady, wait).catch(async (error: unknown) => {
      await child.stop()
      throw error
    })
    return child
  }
}
