import { Worker } from 'node:worker_threads'
import { errorForLog, messageOf } from '#shared/errors/foreign.ts'
import { environment } from '#shared/process/config.ts'
import { switchLevelOnSignal } from '#shared/process/log-level.ts'
import { createLogger } from '#shared/process/logger.ts'
import { readJobConfig } from '../config.ts'
import { PermanentError } from '../handlers/handler.ts'
import { loadHandlers } from '../handlers/load-handlers.ts'
import { createVerb, type MakeRequest } from '../make/make-request.ts'
import { reportedProgress } from '../run/reported-progress.ts'
import { contextVerbs, type HandlerOutcome, runHandler, threw } from '../run/run-handler.ts'
import type { ChildJob, ChildMessage, ParentMessage } from './messages.ts'

// A process for one attempt of a job that has killed a worker before: if the process dies, only this job is blamed.

new Worker(new URL('./orphan-watch.ts', import.meta.url), {
  workerData: { parentPid: Number(process.argv[2]) },
}).unref()

const config = readJobConfig(environment())
const log = createLogger({ service: 'job-child', level: config.LOG_LEVEL, format: config.LOG_FORMAT })
switchLevelOnSignal(log)
const aborter = new AbortController()

/** The parent is gone: nobody would receive the outcome. */
const endOrphaned = () => process.exit(0)

const send = (message: ChildMessage): void => {
  if (process.connected) process.send?.(message, (error) => (error === null ? undefined : endOrphaned()))
}

process.on('disconnect', endOrphaned)
process.on('SIGTERM', () => aborter.abort(new Error('aborted')))
process.on('SIGINT', () => undefined)

// Everything here belongs to one job, uncaught errors included.
process.on('unhandledRejection', (thrown) => {
  log.error({ err: errorForLog(thrown) }, 'unhandled rejection of a handler promise that nobody awaited')
  send({ kind: 'outcome', outcome: threw(thrown) })
})
process.on('uncaughtException', (thrown) => {
  log.fatal({ err: errorForLog(thrown) }, 'uncaught error of a handler')
  const crashed: ChildMessage = { kind: 'crashed', how: `an error that nobody caught: ${messageOf(thrown)}` }
  if (process.connected) process.send?.(crashed, () => process.exit(1))
  else process.exit(1)
})

const handlers = await loadHandlers(config).catch((error: unknown) => {
  log.fatal({ err: errorForLog(error) }, 'could not load the handlers')
  process.exit(1)
})

process.on('message', (message: ParentMessage) => {
  if (message.kind === 'job') start(message.job)
  else settle(message)
})

/** Calls of `create` that the parent has not answered, by their number. */
const calls = new Map<number, PromiseWithResolvers<string>>()
let lastCall = 0

/** Lets the parent make a job: this process has no connection to the broker. */
function make(request: MakeRequest): Promise<string> {
  const answer = Promise.withResolvers<string>()
  calls.set(++lastCall, answer)
  send({ kind: 'make', call: lastCall, request })
  return answer.promise
}

function settle(answer: Exclude<ParentMessage, { kind: 'job' }>): void {
  const call = calls.get(answer.call)
  calls.delete(answer.call)
  if (answer.kind === 'made') call?.resolve(answer.jobId)
  else if (answer.isPermanent) call?.reject(new PermanentError(answer.error.message))
  else call?.reject(Object.assign(new Error(answer.error.message), { name: answer.error.name }))
}

function start(job: ChildJob): void {
  log.level = job.logLevel
  const handler = handlers.get(job.type)
  const outcome: Promise<HandlerOutcome> =
    handler === undefined
      ? Promise.resolve({
          kind: 'threw',
          error: { name: 'NoHandler', message: `no handler for ${job.type}` },
          permanent: false,
          reason: 'attempts_exhausted',
          delayMs: null,
        })
      : runHandler(handler, job.payload, {
          ...contextVerbs,
          jobId: job.jobId,
          objectId: job.objectId,
          createdAt: job.createdAt,
          attempt: job.attempt,
          fencingToken: job.fencingToken,
          traceparent: job.traceparent,
          signal: aborter.signal,
          log: log.child({ job_id: job.jobId, attempt: job.attempt }),
          create: createVerb(job.jobId, make),
          progress: (percent, message, data) => {
            const progress = reportedProgress(percent, message, data)
            if (progress !== null) send({ kind: 'progress', ...progress })
          },
        })
  outcome.then(
    (value) => send({ kind: 'outcome', outcome: value }),
    (error: unknown) => log.fatal({ err: error }, 'could not run the job'),
  )
}

send({ kind: 'ready' })
