import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild } from '../../scripts/servers/child.ts'
import { freePort } from '../../scripts/servers/free-port.ts'
import { answersOk, waitUntil } from '../../scripts/servers/wait-until.ts'

/** One process of a service under test, on a port that it keeps over restarts. */
export type Replica = {
  readonly name: string
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly running: boolean
  readonly logFile: string
  /** Sends SIGKILL, SIGSTOP, SIGCONT, SIGTERM ...; does not wait for the effect. */
  kill(signal: NodeJS.Signals): void
  /** The exit code once the process has ended by itself or by a signal. */
  exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Sends SIGTERM and waits for the drain; sends SIGKILL after the grace time. */
  stop(graceMs?: number): Promise<void>
  /** Starts the process again and waits until it is ready; stops it first if it still runs. */
  restart(env?: Record<string, string>): Promise<void>
  /** The log lines so far, one object each. */
  logs(): Promise<LogLine[]>
}

export type LogLine = { msg?: string; level?: string; [field: string]: unknown }

export type ReplicaOptions = {
  name: string
  /** Below services/, as in `api/main.ts`. */
  file: string
  dir: string
  env: Record<string, string>
  /** By default any free port. */
  port?: number
}

const services = join(import.meta.dirname, '../../services')

export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { name, file, dir } = options
  const port = options.port ?? (await freePort())
  const url = `http://127.0.0.1:${port}`
  const logFile = join(dir, `${name}.log`)
  let env = { ...options.env, PORT: String(port) }

  async function launch(): Promise<Child> {
    const started = await startService(file, env, logFile)
    await waitUntil(() => answersOk(`${url}/readyz`), {
      what: `${name} (log: ${logFile})`,
      timeoutMs: 30_000,
      // A fault run starts eighteen processes at once: asked every 25 ms, they took a fifth of the test's own process.
      everyMs: 100,
      child: started,
    }).catch(async (error: unknown) => {
      await started.stop(0)
      throw error
    })
    return started
  }

  let child = await launch()
  return {
    name,
    url,
    port,
    logFile,
    get pid() {
      return child.pid
    },
    get running() {
      return child.running
    },
    kill: (signal) => child.kill(signal),
    exited: () => child.exited,
    stop: async (graceMs) => void (await child.stop(graceMs)),
    restart: async (more = {}) => {
      await child.stop()
      env = { ...env, ...more }
      child = await launch()
    },
    logs: () => readLog(logFile),
  }
}

/** Starts a service with its output in a file; the process ends by itself when the test's process does. */
export function startService(file: string, env: Record<string, string>, logFile: string): Promise<Child> {
  const all = { ...process.env, LOG_FORMAT: 'json', HOST: '127.0.0.1', ...env }
  return startChild(process.execPath, [join(services, file)], { env: all, logFile, ownGroup: true, lifeline: true })
}

/** The lines of a log. Lines that are no JSON (a crash's stack) become `{ msg }`. */
export async function readLog(logFile: string): Promise<LogLine[]> {
  const text = await readFile(logFile, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      try {
        return JSON.parse(line) as LogLine
      } catch {
        return { msg: line }
      }
    })
}
