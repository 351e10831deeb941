import { type ChildProcess, fork } from 'node:child_process'
import { describeThrown, messageOf } from '#shared/errors/foreign.ts'
import { type ForeignRun, runFor } from '#shared/errors/foreign-run.ts'
import { isPermanent } from '../handlers/handler.ts'
import type { HandlerOutcome } from '../run/run-handler.ts'
import type { ChildDied, IsolatedRun } from './isolation.ts'
import { type ParentMessage, readChildMessage } from './messages.ts'

/** A child process that has loaded the handlers and waits for its one job. */
export interface ReadyChild {
  hasDied(): boolean
  run(request: IsolatedRun): Promise<HandlerOutcome | ChildDied>
  /** Ends a child that gets no job. */
  end(): void
}

/** Between the abort and the end of the child by force. */
const ABORT_GRACE_MS = 2_000

/**
 * Loading the handlers takes a second or two; a child that takes longer than this is waiting for something that never
 * comes.
 */
const READY_WITHIN_MS = 60_000

/** @throws when the child ends before it is ready, or is not ready in time */
export function startReadyChild(): Promise<ReadyChild> {
  return new Promise((resolve, reject) => {
    const died = Promise.withResolvers<ChildDied>()
    // Node reads the channel, and throws an uncatchable error for anything that is no message: a handler can write
    // there too.
    const channel: ForeignRun = {
      of: [],
      isElsewhere: true,
      fail: () => undefined,
      crash(thrown) {
        died.resolve({ kind: 'died', how: `it sent an unreadable message: ${messageOf(thrown)}` })
        return child.kill('SIGKILL')
      },
    }
    const child = runFor(channel, () =>
      fork(new URL('./child.ts', import.meta.url), [String(process.pid)], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      }),
    )
    child.on('error', (error) => died.resolve({ kind: 'died', how: error.message }))
    child.on('exit', (code, signal) => died.resolve({ kind: 'died', how: signal ?? `exit code ${code}` }))
    const late = setTimeout(() => {
      died.resolve({ kind: 'died', how: `not ready within ${READY_WITHIN_MS} ms` })
      child.kill('SIGKILL')
    }, READY_WITHIN_MS)
    void died.promise.then(({ how }) => {
      clearTimeout(late)
      reject(new Error(`a child process could not be started: ${how}`))
    })

    const run = async (request: IsolatedRun): Promise<HandlerOutcome | ChildDied> => {
      const outcome = Promise.withResolvers<HandlerOutcome>()
      let killer: NodeJS.Timeout | undefined
      const abort = () => {
        child.kill('SIGTERM')
        killer = setTimeout(() => child.kill('SIGKILL'), ABORT_GRACE_MS)
      }
      child.on('message', (message) => {
        const heard = readChildMessage(message)
        if (heard?.kind === 'progress') request.onProgress(heard.progress)
        else if (heard?.kind === 'outcome') outcome.resolve(heard.outcome)
        else if (heard?.kind === 'make') void answerMake(child, heard.call, request.make(heard.request))
        else if (heard?.kind === 'crashed') died.resolve({ kind: 'died', how: heard.how })
      })
      if (request.signal.aborted) abort()
      request.signal.addEventListener('abort', abort, { once: true })
      send(child, { kind: 'job', job: request.job })
      const end = await Promise.race([outcome.promise, died.promise])
      clearTimeout(killer)
      request.signal.removeEventListener('abort', abort)
      child.kill('SIGKILL')
      return end
    }
    const onReady = (message: unknown) => {
      if (readChildMessage(message)?.kind !== 'ready') return
      child.off('message', onReady)
      clearTimeout(late)
      resolve({ run, end: () => void child.kill('SIGKILL'), hasDied: () => hasEnded(child) })
    }
    child.on('message', onReady)
  })
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

async function answerMake(child: ChildProcess, call: number, making: Promise<string>): Promise<void> {
  try {
    send(child, { kind: 'made', call, jobId: await making })
  } catch (error) {
    send(child, { kind: 'not-made', call, error: describeThrown(error), isPermanent: isPermanent(error) })
  }
}

/** Sends to a child that may have ended. */
const send = (child: ChildProcess, message: ParentMessage): void => void child.send(message, () => undefined)
