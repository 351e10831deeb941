import type { ClaimWork, LentJob, WorkError } from './contracts.ts'
import { HastyError } from './errors.ts'
import { pause } from './timing.ts'
import type { WorkCalls } from './work.ts'

/** How a handler ends a job besides returning its result. */
export class WorkFailed extends Error {
  override name = 'WorkFailed'
  readonly error: WorkError
  /** false: another attempt cannot help. */
  readonly retry: false | { delay_ms: number } | undefined

  constructor(error: WorkError, retry?: false | { delay_ms: number }) {
    super(error.message)
    this.error = error
    this.retry = retry
  }
}

export interface WorkContext {
  job: LentJob
  /** Aborted when the job was cancelled, its time is up, or it goes on elsewhere: what the handler returns is thrown away. */
  signal: AbortSignal
  /** Sent with the next extension of the lease. @param percent 0 to 100 */
  progress(percent: number, message?: string, data?: unknown): void
}

export interface WorkerOptions {
  workerId: string
  types: string[]
  /** Jobs at once; 1 by default. */
  concurrency?: number
  /** Seconds; 10 by default. */
  leaseS?: number
  /** Milliseconds for which running jobs may go on when the worker stops; 10,000 by default. Then they are handed back. */
  drainMs?: number
  about?: ClaimWork['about']
  run(context: WorkContext): Promise<unknown>
  /** Called for each end of a job that the server took, or refused because the job went on without it. */
  onEnd?(job: LentJob, status: string): void
  onError?(error: unknown): void
}

interface Running {
  job: LentJob
  stop: AbortController
  progress: { percent: number; message?: string; data?: unknown } | null
  done: Promise<void>
}

const WAIT_S = 30
const AGAIN_MS = 1_000
/** The most jobs and leases of one call. */
const AT_ONCE = 100

/** Claims jobs, runs each, keeps its lease, and says how it ended, until the signal is aborted and all have ended. */
export async function runWorker(work: WorkCalls, options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { workerId, types, concurrency = 1, leaseS = 10, drainMs = 10_000, about } = options
  const running = new Map<string, Running>()
  const heart = setInterval(() => void beat(work, options, running), (leaseS * 1_000) / 3)
  try {
    while (!signal.aborted) {
      if (running.size >= concurrency) {
        await Promise.race([...[...running.values()].map(({ done }) => done), untilAborted(signal)])
        continue
      }
      try {
        const { jobs } = await work.claim(
          {
            worker_id: workerId,
            types,
            max: Math.min(AT_ONCE, concurrency - running.size),
            wait_s: WAIT_S,
            lease_s: leaseS,
            ...(about === undefined ? {} : { about: { ...about, slots: concurrency } }),
          },
          { signal },
        )
        for (const job of jobs) start(work, options, running, job)
      } catch (error) {
        if (signal.aborted) break
        if (error instanceof HastyError && error.status >= 400 && error.status < 500 && error.status !== 429)
          throw error
        options.onError?.(error)
        await pause(AGAIN_MS, signal).catch(() => undefined)
      }
    }
  } finally {
    const drained = new AbortController()
    const all = Promise.all([...running.values()].map(({ done }) => done))
    await Promise.race([all, pause(drainMs, drained.signal).catch(() => undefined)])
    drained.abort()
    await Promise.all([...running.values()].map((one) => handBack(work, one)))
    clearInterval(heart)
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

function start(work: WorkCalls, options: WorkerOptions, running: Map<string, Running>, job: LentJob): void {
  const stop = new AbortController()
  const one: Running = { job, stop, progress: null, done: Promise.resolve() }
  running.set(job.job_id, one)
  one.done = runOne(work, options, one)
    .catch((error: unknown) => options.onError?.(error))
    .finally(() => running.delete(job.job_id))
}

async function runOne(work: WorkCalls, options: WorkerOptions, one: Running): Promise<void> {
  const { job, stop } = one
  const context: WorkContext = {
    job,
    signal: stop.signal,
    progress(percent, message, data) {
      one.progress = {
        percent,
        ...(message === undefined ? {} : { message }),
        ...(data === undefined ? {} : { data }),
      }
    },
  }
  try {
    const end = await options.run(context).then(
      (result) => () => work.complete(job, result),
      (thrown: unknown) => () => work.fail(job, failureOf(thrown)),
    )
    if (stop.signal.aborted) return
    const { status } = await end()
    options.onEnd?.(job, status)
  } catch (error) {
    const isLate = error instanceof HastyError && (error.status === 409 || error.status === 410)
    if (!isLate) throw error
    options.onEnd?.(job, error.code)
  }
}

function failureOf(thrown: unknown): { error: WorkError; retry?: false | { delay_ms: number } | undefined } {
  if (thrown instanceof WorkFailed) return { error: thrown.error, retry: thrown.retry }
  if (thrown instanceof Error) return { error: { name: thrown.name, message: thrown.message } }
  return { error: { message: String(thrown) } }
}

/** Extends all leases, and tells the handlers whose job went on without them. */
async function beat(work: WorkCalls, options: WorkerOptions, running: ReadonlyMap<string, Running>): Promise<void> {
  const all = [...running.values()].filter(({ stop }) => !stop.signal.aborted)
  for (let first = 0; first < all.length; first += AT_ONCE)
    await extend(work, options, all.slice(first, first + AT_ONCE))
}

async function extend(work: WorkCalls, options: WorkerOptions, some: readonly Running[]): Promise<void> {
  const reports = some.map(({ progress }) => progress)
  const leases = some.map(({ job, progress }) => ({ lease: job.lease, ...(progress === null ? {} : { progress }) }))
  try {
    const answer = await work.extend({ worker_id: options.workerId, lease_s: options.leaseS ?? 10, leases })
    for (const [n, { status, reason }] of answer.leases.entries()) {
      const one = some[n]
      if (one === undefined) continue
      if (status !== 'ok') one.stop.abort(new Error(reason ?? status))
      if (one.progress === reports[n]) one.progress = null
    }
  } catch (error) {
    options.onError?.(error)
  }
}

async function handBack(work: WorkCalls, { job, stop }: Running): Promise<void> {
  stop.abort(new Error('the worker stops'))
  await work.release(job).catch(() => undefined)
}
