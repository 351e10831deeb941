import { type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'

export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type Child = {
  readonly pid: number
  /** Settles once, when the process has ended; never rejects. */
  readonly exited: Promise<Exit>
  readonly running: boolean
  /** Whether a service with a lifeline has said that it listens and works. */
  readonly isReady: boolean
  kill(signal: NodeJS.Signals): void
  /** Sends the gentle signal, then SIGKILL when the process is still there after the grace time. */
  stop(graceMs?: number, signal?: NodeJS.Signals): Promise<Exit>
}

export type ChildOptions = {
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** File to which stdout and stderr are appended; by default the child shares this process's. */
  logFile?: string
  /**
   * A process group of its own, so that Ctrl-C on the terminal reaches the parent alone, which then decides the order
   * of the stop.
   */
  ownGroup?: boolean
  /** An IPC channel whose end tells one of Hasty's services that the parent is gone, even after a kill -9. */
  lifeline?: boolean
  /** The same for a program that knows no lifeline: SIGTERM this many seconds after the parent's end. */
  outlivesParentByS?: number
}

/** Starts a process and resolves when it runs; rejects when it cannot be started at all. */
export async function startChild(command: string, args: string[], options: ChildOptions = {}): Promise<Child> {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a')
  const output = log ?? 'inherit'
  const spawnOptions: SpawnOptions = {
    stdio: options.lifeline ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
    detached: options.ownGroup ?? false,
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }
  try {
    const child = spawn(command, args, spawnOptions)
    const ended = Promise.withResolvers<Exit>()
    let running = true
    let isReady = false
    child.on('message', () => (isReady = true))
    child.once('exit', (code, signal) => {
      running = false
      ended.resolve({ code, signal })
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.on('error', reject)
    })
    const pid = child.pid ?? -1
    if (options.outlivesParentByS !== undefined) guard(pid, options.outlivesParentByS, ended.promise)
    return {
      pid,
      exited: ended.promise,
      get running() {
        return running
      },
      get isReady() {
        return running && isReady
      },
      kill: (signal) => void child.kill(signal),
      stop: async (graceMs = 10_000, signal = 'SIGTERM') => {
        if (!running) return ended.promise
        child.kill(signal)
        // A process that a test has frozen must wake to receive the signal.
        child.kill('SIGCONT')
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
        const exit = await ended.promise
        clearTimeout(timer)
        return exit
      },
    }
  } finally {
    if (log !== undefined) closeSync(log)
  }
}

/**
 * Starts a shell that waits for the end of its standard input, which this process holds open, and then ends the child.
 */
function guard(pid: number, afterS: number, exited: Promise<Exit>): void {
  // Leaves as soon as the child is gone: its pid may be reused.
  const wait = `i=0; while [ $i -lt ${afterS} ]; do kill -0 ${pid} || exit; sleep 1; i=$((i+1)); done`
  const script = `read -r _; ${wait}; kill -TERM ${pid}; kill -CONT ${pid}`
  const shell = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  shell.on('error', () => {})
  shell.unref()
  if (shell.stdin instanceof Socket) shell.stdin.unref()
  void exited.then(() => shell.kill('SIGKILL'))
}

/** The command line of a process, or undefined when there is no such process (or this system has no /proc). */
export function commandLineOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return undefined
  }
}
