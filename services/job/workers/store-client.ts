import { Worker } from 'node:worker_threads'
import { messageOf } from '#shared/errors/foreign.ts'
import type { Logger } from '#shared/process/logger.ts'
import type { AttemptStore } from '#shared/stores/attempts/attempt-store.ts'
import { SECOND } from '#shared/time/clock.ts'
import type { Method, StoreThreadOptions, ThreadMessage } from './messages.ts'

/** Less than a proxy in front waits. */
const ANSWER_WITHIN_MS = 4 * SECOND
const START_AGAIN_MS = 5 * SECOND
const CALLS_MAX = 200
const THREAD_HEAP_MB = 128

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
  timer: NodeJS.Timeout
}

/**
 * The main thread's side of the store. *away*: not open yet, or its thread is being restarted. *open*: calls are
 * answered. *late*: the store owes an answer that nobody waits for any more; until the answer comes nothing else is
 * asked, so that nothing piles up. Jobs run without the store too, so nothing here ends the process.
 */
export class StoreClient {
  readonly #options: StoreThreadOptions
  readonly #log: Logger
  readonly #waiting = new Map<number, Waiting>()
  /** Ids of calls that were given up. */
  readonly #late = new Set<number>()
  #thread: Worker | null = null
  #isOpen = false
  #isStopped = false
  #saidAway = false
  #nextId = 1
  #startAgain: NodeJS.Timeout | undefined

  constructor(options: StoreThreadOptions, log: Logger) {
    this.#options = options
    this.#log = log
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#late.size === 0
  }

  /** Starts the thread and returns at once; the store opens in its own time. */
  start(): void {
    const thread = new Worker(new URL('./store-thread.ts', import.meta.url), {
      workerData: this.#options,
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MB },
    })
    this.#thread = thread
    thread.on('message', (message: ThreadMessage) => this.#hear(message))
    thread.on('error', (error) => this.#away(messageOf(error)))
    thread.on('exit', () => this.#onExit())
  }

  /** @throws when the store is away, does not answer in time, or fails */
  call<M extends Method>(method: M, ...args: Parameters<AttemptStore[M]>): ReturnType<AttemptStore[M]> {
    return this.#ask(method, args) as ReturnType<AttemptStore[M]>
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#startAgain)
    await this.#thread?.terminate()
  }

  #ask(method: Method, args: unknown[]): Promise<unknown> {
    if (!this.isOpen) return Promise.reject(new Error('the store is away'))
    if (this.#waiting.size >= CALLS_MAX) return Promise.reject(new Error('the store has too much to answer'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(id), ANSWER_WITHIN_MS)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#thread?.postMessage({ id, method, args })
    })
  }

  #giveUp(id: number): void {
    const call = this.#end(id)
    this.#late.add(id)
    call?.reject(new Error(`the store did not answer within ${ANSWER_WITHIN_MS} ms`))
  }

  #hear(message: ThreadMessage): void {
    switch (message.kind) {
      case 'open':
        this.#isOpen = true
        if (this.#saidAway) this.#log.info('the store of attempts is back')
        this.#saidAway = false
        return
      case 'away':
        this.#away(message.why)
        return
      case 'undeleted':
        this.#log.warn({ why: message.why }, 'could not delete old attempts, will retry')
        return
      case 'result':
        this.#end(message.id)?.resolve(message.result)
        return
      case 'failed':
        this.#end(message.id)?.reject(new Error(message.why))
        return
    }
  }

  #end(id: number): Waiting | undefined {
    this.#late.delete(id)
    const call = this.#waiting.get(id)
    this.#waiting.delete(id)
    clearTimeout(call?.timer)
    return call
  }

  /** Logs the loss once, however often it is retried. */
  #away(why: string): void {
    if (!this.#saidAway) this.#log.warn({ why }, 'the store of attempts is unavailable; jobs run without it')
    this.#saidAway = true
  }

  #onExit(): void {
    this.#isOpen = false
    this.#late.clear()
    for (const id of this.#waiting.keys()) this.#end(id)?.reject(new Error("the store's thread has ended"))
    if (this.#isStopped) return
    this.#away('its thread has ended')
    this.#startAgain = setTimeout(() => this.start(), START_AGAIN_MS)
  }
}
