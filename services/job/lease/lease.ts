import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Delivery } from '#shared/bus/puller.ts'
import { sleep } from '#shared/time/clock.ts'
import { HeldTable, processClockMs } from './held-table.ts'
import type { LeaseMessage, LeaseThreadMessage, LeaseThreadOptions } from './thread-options.ts'

const BEAT_MS = 250
const STOP_WITHIN_MS = 500

export interface LeaseOptions extends Omit<LeaseThreadOptions, 'beat' | 'held'> {
  /** Called when the thread, without which the process cannot keep its promises, ends. */
  onThreadEnd: (error: unknown) => void
  /** Called when another worker seems to have died: so many of its jobs may come here. */
  onWorkerMissing: (jobs: number) => void
  /** Called when the first other worker has come, and when the last one is gone. */
  onCompany: (isThere: boolean) => void
}

/** The main thread's side of the lease: it writes the held deliveries into memory that the lease thread reads. */
export class Lease {
  readonly #thread: Worker
  readonly #beat: Int32Array
  readonly #beatTimer: NodeJS.Timeout
  readonly #table: HeldTable
  /** The slot of each held delivery, by its ack subject. */
  readonly #slots = new Map<string, number>()
  readonly #free: number[]
  #stopped = false

  private constructor(options: LeaseOptions) {
    const beat = new SharedArrayBuffer(4)
    this.#beat = new Int32Array(beat)
    this.#beatTimer = setInterval(() => Atomics.add(this.#beat, 0, 1), BEAT_MS)
    this.#table = new HeldTable(options.slots)
    this.#free = Array.from({ length: options.slots }, (_, slot) => slot)
    const { onThreadEnd, onWorkerMissing, onCompany, ...threadOptions } = options
    this.#thread = new Worker(new URL('./lease-thread.ts', import.meta.url), {
      workerData: { ...threadOptions, beat, held: this.#table.buffer } satisfies LeaseThreadOptions,
    })
    this.#thread.on('error', onThreadEnd)
    this.#thread.on('message', (message: LeaseThreadMessage) => {
      if (message.kind === 'missing') onWorkerMissing(message.jobs)
      else if (message.kind === 'company') onCompany(message.isThere)
    })
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
  hold({ ackSubject }: Delivery, jobId: string, forMs: number): void {
    const slot = this.#slots.get(ackSubject) ?? this.#free.pop()
    if (slot === undefined) throw new Error('more jobs are held than there are slots')
    this.#slots.set(ackSubject, slot)
    this.#table.set(slot, { jobId, ackSubject, deadlineMs: processClockMs() + forMs })
  }

  release({ ackSubject }: Delivery): void {
    const slot = this.#slots.get(ackSubject)
    if (slot === undefined) return
    this.#slots.delete(ackSubject)
    this.#table.free(slot)
    this.#free.push(slot)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#beatTimer)
    // The thread tells the other workers that this one left in order, unless the broker is away.
    const ended = once(this.#thread, 'exit')
    this.#send({ kind: 'stop' })
    await Promise.race([ended, sleep(STOP_WITHIN_MS)])
    await this.#thread.terminate()
  }

  /** The log of the thread follows that of the process. */
  setLogLevel(level: string): void {
    this.#send({ kind: 'log-level', level })
  }

  #send(message: LeaseMessage): void {
    this.#thread.postMessage(message)
  }
}
