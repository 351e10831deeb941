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
  /** SIGKILL, SIGSTOP, SIGCONT, SIGTERM ...; does not wait for what comes of it. */
  kill(signal: NodeJS.Signals): void
  /** The exit code once the process has ended by itself or by a signal. */
  exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** SIGTERM and the drain; SIGKILL after the grace time. */
  stop(graceMs?: number): Promise<void>
  /** The same again, waited for until ready; stops it first when it still runs. */
  restart(env?: Record<string, string>): Promise<void>
  /** What it logged so far, one object a line. */
  logs(): Promise<LogLine[]>
}

export type LogLine = { msg?: string; level?: string; [field: string]: unknown }

export type ReplicaOptions = {
  name: string
  /** Below services/, as in `api/main.ts`. */
  file: string
  dir: string
  env: Record<string, string>
  /** Without it any that is free. */
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

/** A process of ours with its output in a file; it ends by itself when the test's process does. */
export function startService(file: string, env: Record<string, string>, logFile: string): Promise<Child> {
  const all = { ...process.env, LOG_FORMAT: 'json', HOST: '127.0.0.1', ...env }
  return startChild(process.execPath, [join(services, file)], { env: all, logFile, ownGroup: true, lifeline: true })
}

/** Lines that are no JSON (a crash's stack) come as `{ msg }`. */
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
