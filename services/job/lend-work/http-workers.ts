import type { ClaimWorkBody } from '#shared/contracts/http/work.ts'
import type { WorkerPresence } from '#shared/contracts/log/worker-presence.ts'
import type { Logger } from '#shared/process/logger.ts'
import { type Clock, isoTime, SECOND } from '#shared/time/clock.ts'
import { AttemptRecorder, type WorkerIdentity } from '../workers/attempt-recorder.ts'
import { ReportLoop } from '../workers/report-loop.ts'
import type { StoreClient } from '../workers/store-client.ts'

/** Silence after which a worker that has no open call and no job is forgotten: it would have asked again by then. */
const FORGET_AFTER_MS = 15 * SECOND
const LOOK_EVERY_MS = 2 * SECOND
const MAX_UNSTORED_ATTEMPTS = 1_000

interface HttpWorker {
  identity: WorkerIdentity
  recorder: AttemptRecorder
  reports: ReportLoop
  /** Calls that wait for jobs. */
  openCalls: number
  running: Set<string>
  seenMs: number
}

export interface HttpWorkersDeps {
  store: Pick<StoreClient, 'call' | 'isOpen'>
  clock: Clock
  onDropped: (count: number) => void
  log: Logger
}

/** The workers that ask this process for jobs, as the list of workers shows them. */
export class HttpWorkers {
  readonly #deps: HttpWorkersDeps
  readonly #workers = new Map<string, HttpWorker>()
  readonly #timer: NodeJS.Timeout

  constructor(deps: HttpWorkersDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => this.#forgetSilent(), LOOK_EVERY_MS)
  }

  /** Called at the start of a call that may wait. @returns ends the call */
  async enter({ worker_id: id, types, max, about = {} }: ClaimWorkBody): Promise<() => void> {
    const worker = this.#workers.get(id) ?? (await this.#meet(id))
    Object.assign(worker.identity, {
      host: about.host ?? 'unknown',
      pid: about.pid ?? 0,
      version: about.version ?? 'unknown',
      types,
      slots: about.slots ?? Math.max(max, worker.running.size, 1),
    } satisfies Partial<WorkerIdentity>)
    worker.openCalls++
    return () => {
      worker.openCalls--
      worker.seenMs = this.#deps.clock.monotonic()
    }
  }

  /** Called when a worker says that it lives. */
  saw(workerId: string): void {
    const worker = this.#workers.get(workerId)
    if (worker !== undefined) worker.seenMs = this.#deps.clock.monotonic()
  }

  begin(workerId: string, job: { job_id: string; type: string }, attempt: number): void {
    const worker = this.#workers.get(workerId)
    worker?.running.add(job.job_id)
    worker?.recorder.begin(job.job_id, job.type, attempt)
  }

  end(
    workerId: string,
    jobId: string,
    ...outcome: Parameters<AttemptRecorder['end']> extends [string, ...infer R] ? R : never
  ) {
    const worker = this.#workers.get(workerId)
    worker?.running.delete(jobId)
    worker?.recorder.end(jobId, ...outcome)
  }

  /** Removes a job that ended through another process, which counts it. */
  forget(workerId: string, jobId: string): void {
    const worker = this.#workers.get(workerId)
    worker?.running.delete(jobId)
    worker?.recorder.forget(jobId)
  }

  presence(): WorkerPresence['http_workers'] {
    return [...this.#workers.values()].map(({ identity, running }) => ({
      worker_id: identity.worker_id,
      types: identity.types,
      slots: identity.slots,
      running: running.size,
    }))
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([...this.#workers.values()].map(({ reports }) => reports.stop()))
  }

  /** A worker that another process served before continues its counts. */
  async #meet(workerId: string): Promise<HttpWorker> {
    const { store, clock, onDropped, log } = this.#deps
    const before = store.isOpen ? await store.call('getWorker', workerId).catch(() => null) : null
    const known = this.#workers.get(workerId)
    if (known !== undefined) return known
    const identity: WorkerIdentity = {
      worker_id: workerId,
      host: 'unknown',
      pid: 0,
      version: 'unknown',
      types: [],
      slots: 1,
      started_at: before?.started_at ?? isoTime(clock.now()),
    }
    const recorder = new AttemptRecorder({ worker: identity, clock, maxBuffered: MAX_UNSTORED_ATTEMPTS, onDropped })
    if (before !== null) recorder.resume(before)
    const reports = new ReportLoop(recorder, store, log)
    const worker = { identity, recorder, reports, openCalls: 0, running: new Set<string>(), seenMs: clock.monotonic() }
    this.#workers.set(workerId, worker)
    reports.start()
    return worker
  }

  #forgetSilent(): void {
    const before = this.#deps.clock.monotonic() - FORGET_AFTER_MS
    for (const [id, worker] of this.#workers) {
      if (worker.openCalls > 0 || worker.running.size > 0 || worker.seenMs > before) continue
      this.#workers.delete(id)
      void worker.reports.stop()
    }
  }
}
