import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Delivery } from '#shared/bus/puller.ts'
import type { LeaseThreadOptions, LeaseUpdate } from './messages.ts'

const BEAT_MS = 250

export interface LeaseOptions extends Omit<LeaseThreadOptions, 'beat'> {
  /** Called when the thread, without which the process cannot keep its promises, ends. */
  onThreadEnd: (error: unknown) => void
}

/**
 * The main thread's side: tells the lease thread which jobs are held. Updates of one turn of the loop go in one
 * message.
 */
export class Lease {
  readonly #thread: Worker
  readonly #beat: Int32Array
  readonly #beatTimer: NodeJS.Timeout
  #update: LeaseUpdate = { hold: [], release: [] }
  #flushing = false
  #stopped = false

  private constructor(options: LeaseOptions) {
    const buffer = new SharedArrayBuffer(4)
    this.#beat = new Int32Array(buffer)
    this.#beatTimer = setInterval(() => Atomics.add(this.#beat, 0, 1), BEAT_MS)
    const { onThreadEnd, ...threadOptions } = options
    this.#thread = new Worker(new URL('./lease-thread.ts', import.meta.url), {
      workerData: { ...threadOptions, beat: buffer } satisfies LeaseThreadOptions,
    })
    this.#thread.on('error', onThreadEnd)
    this.#thread.on('exit', (code) => {
      if (!this.#stopped) onThreadEnd(new Error(`the lease thread ended with code ${code}`))
    })
  }

  /** @throws when the thread cannot reach the broker */
  static async start(options: LeaseOptions): Promise<Lease> {
    const lease = new Lease(options)
    await once(lease.#thread, 'message')
    return lease
  }

  /** Renews the delivery's lease from now on, for at most this long. Another call restarts the time. */
  hold(delivery: Delivery, jobId: string, forMs: number): void {
    this.#update.hold.push({ jobId, ackSubject: delivery.ackSubject, forMs })
    this.#flushSoon()
  }

  release(delivery: Delivery): void {
    this.#update.release.push(delivery.ackSubject)
    this.#flushSoon()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#beatTimer)
    await this.#thread.terminate()
  }

  /**
   * Sends the updates in the turn in which the start is published, before the broker's answer to that can start the
   * handler.
   */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#flushing = false
    if (this.#update.hold.length === 0 && this.#update.release.length === 0) return
    const update = this.#update
    this.#update = { hold: [], release: [] }
    this.#thread.postMessage(update)
  }
}
