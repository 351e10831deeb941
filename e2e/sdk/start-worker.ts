import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export type SdkWorker = AsyncDisposable & {
  kill(signal: NodeJS.Signals): void
  /** The exit code once the process has ended. */
  exited(): Promise<number | null>
}

/** A worker process of a language, in a process group of its own. */
export function startWorker(command: [string, ...string[]], env: Record<string, string>): SdkWorker {
  const [program, ...args] = command
  const child: ChildProcess = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'ignore'],
    detached: true,
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const kill = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    // SIGTERM goes to the leader alone, which tells its own children.
    process.kill(signal === 'SIGTERM' ? child.pid : -child.pid, signal)
  }
  return {
    kill,
    exited: () => ended,
    [Symbol.asyncDispose]: async () => {
      kill('SIGKILL')
      await ended
    },
  }
}
