import type { OpenBatch } from '#shared/contracts/log/ingest.ts'
import type { Clock } from '#shared/time/clock.ts'
import type { AttemptEnd } from '../plan/commit-batches.ts'
import type { RawMessage } from './raw-message.ts'

/** A batch with its unprocessed messages. */
export interface BatchRun {
  batch: OpenBatch
  messages: RawMessage[]
}

export interface WorkerQueuesDeps {
  /** Makes one attempt; never rejects. */
  attempt(run: BatchRun): Promise<AttemptEnd>
  onEnd(end: AttemptEnd): void
  /** Milliseconds until the next attempt, by the number of failed ones. */
  pauseMs(failed: number): number
  clock: Clock
}

interface Worker {
  queue: BatchRun[]
  isRunning: boolean
  idleSinceMs: number
}

/**
 * The workers of a shard: each has one batch running at a time, and continues with others while one waits for its next
 * attempt.
 */
export class WorkerQueues {
  readonly #deps: WorkerQueuesDeps
  readonly #workers = new Map<string, Worker>()
  readonly #resting = new Set<NodeJS.Timeout>()
  #state: 'open' | 'finishing' | 'stopped' = 'open'

  constructor(deps: WorkerQueuesDeps) {
    this.#deps = deps
  }

  add(run: BatchRun): void {
    const worker = this.#workerNamed(run.batch.worker)
    worker.queue.push(run)
    if (!worker.isRunning) void this.#work(worker)
  }

  loads(): Map<string, number> {
    return new Map([...this.#workers].map(([name, { queue, isRunning }]) => [name, queue.length + (isRunning ? 1 : 0)]))
  }

  /** Milliseconds for which a worker has had nothing to do. */
  idleMs(name: string): number {
    const { queue, isRunning, idleSinceMs } = this.#workerNamed(name)
    return isRunning || queue.length > 0 ? 0 : this.#deps.clock.monotonic() - idleSinceMs
  }

  get isQuiet(): boolean {
    return [...this.#workers.values()].every(({ queue, isRunning }) => !isRunning && queue.length === 0)
  }

  /** Finishes the batches, except those that wait for their next attempt. */
  finish(): void {
    if (this.#state === 'open') this.#state = 'finishing'
    for (const timer of this.#resting) clearTimeout(timer)
    this.#resting.clear()
  }

  /** Stops: no batch is started any more, and results are no longer reported. */
  stop(): void {
    this.finish()
    this.#state = 'stopped'
  }

  #workerNamed(name: string): Worker {
    const known = this.#workers.get(name)
    if (known !== undefined) return known
    const worker = { queue: [], isRunning: false, idleSinceMs: this.#deps.clock.monotonic() }
    this.#workers.set(name, worker)
    return worker
  }

  async #work(worker: Worker): Promise<void> {
    worker.isRunning = true
    for (let run = worker.queue.shift(); run !== undefined; run = worker.queue.shift()) {
      const end = await this.#deps.attempt(run)
      if (this.#state === 'stopped') return
      if (end.left.length > 0) this.#rest(run, end.left)
      this.#deps.onEnd(end)
    }
    worker.isRunning = false
    worker.idleSinceMs = this.#deps.clock.monotonic()
  }

  #rest(run: BatchRun, left: number[]): void {
    if (this.#state !== 'open') return
    const failed = run.batch.failed + 1
    const next = {
      batch: { ...run.batch, failed, left },
      messages: run.messages.filter(({ seq }) => left.includes(seq)),
    }
    const timer = setTimeout(() => {
      this.#resting.delete(timer)
      this.add(next)
    }, this.#deps.pauseMs(failed))
    this.#resting.add(timer)
  }
}
