import { fork } from 'node:child_process'
import type { HandlerOutcome } from '../run-handler.ts'
import type { ChildJob, ChildMessage } from './messages.ts'

export interface IsolatedRun {
  job: ChildJob
  signal: AbortSignal
  onProgress(percent: number, message: string | null, data: unknown): void
}

/** The child died without an outcome: the job is to blame. */
export interface ChildDied {
  kind: 'died'
  how: string
}

export interface Isolation {
  run(request: IsolatedRun): Promise<HandlerOutcome | ChildDied>
}

/** Between the abort and the end of the child by force. */
const ABORT_GRACE_MS = 2_000

/** Runs one attempt in a child process of its own. */
export const childIsolation: Isolation = {
  run: (request) =>
    new Promise((resolve) => {
      const child = fork(new URL('./child.ts', import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      let killer: NodeJS.Timeout | undefined
      const abort = () => {
        child.kill('SIGTERM')
        killer = setTimeout(() => child.kill('SIGKILL'), ABORT_GRACE_MS)
      }
      const finish = (result: HandlerOutcome | ChildDied) => {
        clearTimeout(killer)
        request.signal.removeEventListener('abort', abort)
        resolve(result)
        child.kill('SIGKILL')
      }
      request.signal.addEventListener('abort', abort, { once: true })
      child.on('message', (message: ChildMessage) => {
        if (message.kind === 'ready') child.send(request.job)
        else if (message.kind === 'progress') request.onProgress(message.percent, message.message, message.data)
        else finish(message.outcome)
      })
      child.on('error', (error) => finish({ kind: 'died', how: error.message }))
      child.on('exit', (code, signal) => finish({ kind: 'died', how: signal ?? `exit code ${code}` }))
    }),
}
