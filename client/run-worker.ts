import { isRefusal, sendFailure, sendResult, textOf } from './attempt-end.ts'
import type { ClaimWork, ExtendWork, LentJob } from './contracts.ts'
import { HastyError } from './errors.ts'
import { oneCallKey } from './random-id.ts'
import { pause } from './timing.ts'
import type { WorkCalls } from './work.ts'

export interface WorkContext {
  job: LentJob
  /** Aborted when the job was cancelled, its time is up, or it goes on elsewhere: what the handler returns is thrown away. */
  signal: AbortSignal
  /**
   * Sent with the next extension of the lease.
   * @param percent 0 to 100
   * @param message its first 1,000 characters are sent
   * @param data any JSON value of at most 16 KiB
   * @throws RangeError or TypeError for what the server would refuse
   */
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
  /** Runs a job: what it returns is the result, and whatever it throws ends its own attempt. */
  run(context: WorkContext): Promise<unknown>
  /** Called once, when the server has answered the first claim: it knows the types, and lets this worker have them. */
  onReady?(): void
  /**
   * Called for each job whose end the server took (`finished`, `failed`, `retrying`, `released`), or that continued or
   * ended without this worker: `superseded` and `job-ended`, and, once its handler has ended too, `cancelled`,
   * `timeout`, `superseded` or `invalid`.
   */
  onEnd?(job: LentJob, status: string): void
  onError?(error: unknown): void
}

interface Progress {
  percent: number
  message?: string
  data?: unknown
}

interface Running {
  job: LentJob
  stop: AbortController
  /** The status with which the job was stopped; null: it was not. */
  stoppedAs: string | null
  progress: Progress | null
  done: Promise<void>
}

const WAIT_S = 30
const AGAIN_MS = 1_000
/** The longest that handing back jobs at the end may take. */
const TAKE_BACK_MS = 5_000
/** The most jobs and leases of one call. */
const AT_ONCE = 100
const MESSAGE_MAX_LENGTH = 1_000
const DATA_MAX_BYTES = 16 * 1024

/** Claims jobs, runs each, keeps its lease, and says how it ended, until the signal is aborted and all have ended. */
export async function runWorker(work: WorkCalls, options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const { workerId, types, concurrency = 1, leaseS = 10, drainMs = 10_000, about } = options
  const running = new Map<string, Running>()
  const heart = setInterval(() => void beat(work, options, running), (leaseS * 1_000) / 3)
  let isReady = false
  try {
    while (!signal.aborted) {
      if (running.size >= concurrency) {
        await Promise.race([...[...running.values()].map(({ done }) => done), untilAborted(signal)])
        continue
      }
      const claim = {
        worker_id: workerId,
        types,
        max: Math.min(AT_ONCE, concurrency - running.size),
        // The first one only asks whether the server takes the worker, and is answered at once.
        wait_s: isReady ? WAIT_S : 0,
        lease_s: leaseS,
        claim_id: oneCallKey(),
        ...(about === undefined ? {} : { about: { ...about, slots: concurrency } }),
      }
      try {
        const { jobs } = await work.claim(claim, { signal })
        if (!isReady) options.onReady?.()
        isReady = true
        for (const job of jobs) start(work, options, running, job)
      } catch (error) {
        if (signal.aborted) {
          await takeBack(work, options, claim)
          break
        }
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
    await Promise.all([...running.values()].map((one) => handBack(work, options, one)))
    clearInterval(heart)
  }
}

/** Hands back the jobs that were on their way to a claim when the worker gave it up. */
async function takeBack(work: WorkCalls, options: WorkerOptions, claim: ClaimWork): Promise<void> {
  try {
    const signal = AbortSignal.timeout(TAKE_BACK_MS)
    const { jobs } = await work.claim({ ...claim, max: 0, wait_s: 0 }, { signal })
    await Promise.all(jobs.map((job) => work.release(job, { signal })))
  } catch (error) {
    options.onError?.(error)
  }
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

function start(work: WorkCalls, options: WorkerOptions, running: Map<string, Running>, job: LentJob): void {
  const stop = new AbortController()
  const one: Running = { job, stop, stoppedAs: null, progress: null, done: Promise.resolve() }
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
      one.progress = checkedProgress(percent, message, data)
    },
  }
  // A handler may throw before it returns a promise.
  const end = await new Promise<unknown>((resolve) => resolve(options.run(context))).then(
    (result) => () => sendResult(work, job, result),
    (thrown: unknown) => () => sendFailure(work, job, thrown),
  )
  if (one.stoppedAs !== null) {
    options.onEnd?.(job, one.stoppedAs)
    return
  }
  while (!stop.signal.aborted) {
    try {
      const { status } = await end()
      options.onEnd?.(job, status)
      return
    } catch (error) {
      if (error instanceof HastyError && (error.status === 409 || error.status === 410)) {
        options.onEnd?.(job, error.code)
        return
      }
      if (!mayPass(error)) throw error
      // The lease is still extended, and the job has ended: forgotten now, it would run again.
      options.onError?.(error)
      await pause(AGAIN_MS, stop.signal).catch(() => undefined)
    }
  }
}

/** Whether a later call may go well: no answer came, or one that is about the server and not about the call. */
const mayPass = (error: unknown): boolean =>
  error instanceof HastyError && (error.status === 0 || error.status === 429 || error.status >= 500)

/** @throws RangeError or TypeError for what the server would refuse */
function checkedProgress(percent: number, message?: string, data?: unknown): Progress {
  if (!(percent >= 0 && percent <= 100))
    throw new RangeError(`percent must be from 0 to 100, and is ${String(percent)}`)
  const progress: Progress = { percent }
  if (message !== undefined) progress.message = textOf(() => message, MESSAGE_MAX_LENGTH)
  if (data === undefined) return progress
  const json = JSON.stringify(data) as string | undefined
  if (json === undefined) throw new TypeError('data must be JSON')
  if (new TextEncoder().encode(json).length > DATA_MAX_BYTES) {
    throw new RangeError(`data must have at most ${DATA_MAX_BYTES} bytes of JSON`)
  }
  // The handler may change its object before it is sent.
  return { ...progress, data: JSON.parse(json) as unknown }
}

/** Extends all leases, and tells the handlers whose job went on without them. */
async function beat(work: WorkCalls, options: WorkerOptions, running: ReadonlyMap<string, Running>): Promise<void> {
  const all = [...running.values()].filter(({ stop }) => !stop.signal.aborted)
  for (let first = 0; first < all.length; first += AT_ONCE)
    await extend(work, options, all.slice(first, first + AT_ONCE))
}

async function extend(work: WorkCalls, options: WorkerOptions, some: readonly Running[]): Promise<void> {
  const reports = some.map(({ progress }) => progress)
  const send = (leases: ExtendWork['leases']) =>
    work.extend({ worker_id: options.workerId, lease_s: options.leaseS ?? 10, leases })
  const bare = some.map(({ job }) => ({ lease: job.lease }))
  try {
    const leases = some.map(({ job, progress }) => ({ lease: job.lease, ...(progress === null ? {} : { progress }) }))
    const answer = await send(leases).catch((error: unknown) => {
      if (!(error instanceof HastyError && isRefusal(error)) || reports.every((report) => report === null)) throw error
      // The progress of one job must not cost all others their leases.
      options.onError?.(error)
      return send(bare)
    })
    for (const [n, { status, reason }] of answer.leases.entries()) {
      const one = some[n]
      if (one === undefined) continue
      if (status !== 'ok') stopOne(one, status === 'cancel' ? (reason ?? 'requested') : status)
      if (one.progress === reports[n]) one.progress = null
    }
  } catch (error) {
    options.onError?.(error)
  }
}

function stopOne(one: Running, reason: string): void {
  one.stoppedAs ??= reason === 'requested' ? 'cancelled' : reason
  one.stop.abort(new Error(reason))
}

async function handBack(work: WorkCalls, options: WorkerOptions, { job, stop }: Running): Promise<void> {
  stop.abort(new Error('the worker stops'))
  const settled = await work.release(job, { signal: AbortSignal.timeout(TAKE_BACK_MS) }).catch(() => null)
  if (settled?.status === 'released') options.onEnd?.(job, settled.status)
}
