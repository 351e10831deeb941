import { describeThrown } from '#shared/errors/foreign.ts'
import { type ForeignRun, runFor } from '#shared/errors/foreign-run.ts'
import { timerMs } from '#shared/formats/durations.ts'
import type { ChildDied } from '../isolate/isolation.ts'
import { createVerb, type MakeRequest } from '../make/make-request.ts'
import { OpenMakes } from '../make/open-makes.ts'
import type { WorkerDeps } from '../worker-deps.ts'
import type { LetGo } from './hold.ts'
import type { JobRun } from './job-run.ts'
import type { AttemptEnd } from './outcome.ts'
import { ProgressReporter } from './progress.ts'
import { reportedProgress } from './reported-progress.ts'
import { contextVerbs, type HandlerOutcome, runHandler, threw } from './run-handler.ts'
import type { StartedAttempt } from './start-attempt.ts'

export interface RunEnd {
  end: AttemptEnd | LetGo
  /** A handler that was told to stop and still runs; null where there is none. */
  lingering: Promise<unknown> | null
}

/**
 * Runs the handler until it ends, its time is up, an uncaught error of its own fails it, or the job must be let go:
 * then its signal is aborted. Only progress is published here.
 */
export async function runUntilEnd(deps: WorkerDeps, run: JobRun, attempt: StartedAttempt): Promise<RunEnd> {
  const { hold } = run
  if (hold.isAsked) return { end: await hold.letGo, lingering: null }
  const { job_id, type, timeout_ms } = run.spec
  const aborter = new AbortController()
  const ended = Promise.withResolvers<RunEnd['end']>()
  const timer = setTimeout(() => ended.resolve({ kind: 'timeout' }), timerMs(timeout_ms))
  const progress = new ProgressReporter(deps, run, attempt)
  const makes = new OpenMakes((request) => deps.jobMaker.make(run, request))
  let isRunning = true
  const foreign: ForeignRun = {
    of: [{ job_id, type, attempt: attempt.attempt }],
    fail: (thrown) => ended.resolve(threw(thrown)),
    crash(thrown) {
      hold.crash(describeThrown(thrown))
      return isRunning
    },
  }
  try {
    const start = () => startHandler(deps, run, attempt, { signal: aborter.signal, progress, makes })
    const handling = runFor(foreign, () => (run.span === null ? start() : run.span.run(start)))
    handling.then((outcome) => {
      isRunning = false
      ended.resolve(outcome)
    }, ended.reject)
    void hold.letGo.then(ended.resolve)
    const end = await ended.promise
    await makes.close()
    if (!isRunning) return { end, lingering: null }
    // Listeners of the signal are the handler's code too.
    runFor(foreign, () => aborter.abort(new Error(end.kind)))
    return { end, lingering: handling }
  } finally {
    clearTimeout(timer)
    progress.close()
  }
}

function startHandler(
  deps: WorkerDeps,
  run: JobRun,
  attempt: StartedAttempt,
  { signal, progress, makes }: { signal: AbortSignal; progress: ProgressReporter; makes: OpenMakes },
): Promise<HandlerOutcome | ChildDied> {
  const { spec } = run
  const job = {
    jobId: spec.job_id,
    objectId: spec.object_id,
    createdAt: spec.created_at,
    attempt: attempt.attempt,
    fencingToken: attempt.seq,
    traceparent: run.attemptTraceparent,
  }
  const make = (request: MakeRequest) => makes.make(request)
  if (attempt.isolated) {
    if (run.place === null) throw new Error('an isolated attempt started without a place')
    return run.place.run({
      job: { ...job, type: spec.type, payload: spec.payload ?? null, logLevel: deps.log.level },
      signal,
      onProgress: (reported) => progress.report(reported),
      make,
    })
  }
  const handler = deps.handlers.get(spec.type)
  if (handler === undefined) throw new Error(`no handler for ${spec.type}: its lane should not have been pulled`)
  return runHandler(handler, spec.payload, {
    ...contextVerbs,
    ...job,
    signal,
    create: createVerb(spec.job_id, make),
    // Created when a handler first uses it: most never do, and a child logger costs as much as a publish.
    get log() {
      return deps.log.child({ job_id: spec.job_id, attempt: attempt.attempt })
    },
    progress(percent, message, data) {
      const reported = reportedProgress(percent, message, data)
      if (reported !== null) progress.report(reported)
    },
  })
}
