import { setTimeout as pause } from 'node:timers/promises'
import { headers } from '@nats-io/transport-node'
import { AppError } from '#shared/errors/app-error.ts'
import { atMostEvery } from '#shared/time/at-most-every.ts'
import { type Clock, SECOND } from '#shared/time/clock.ts'
import { isFull } from './broker-codes.ts'
import type { Broker } from './connection.ts'

export interface WriteProbeOptions {
  broker: Broker
  /** Of the stream that is meant, and read by nobody; the stream must allow a message its own lifetime. */
  subject: string
  /** Of the stream of probes, for readiness; where nothing is asked of that, none. */
  readySubject?: string
  clock: Clock
}

const ANSWER_MS = 2 * SECOND
/** How much later than the answer to what came after it an ack may come: one broker acks in order, others agree first. */
const ACK_AFTER_MS = { alone: 250, cluster: 1_500 }
/** The shortest that the broker knows: nothing lasting. */
const KEPT_FOR = '1s'

type Answer = { kind: 'stored' } | { kind: 'refused'; code: number } | { kind: 'none' }

/**
 * Finds out whether the broker can store in a stream, by storing something. A broker whose disk is full says nothing to
 * a publish, and never will, as one that is only slow says nothing yet. So the probe sends a second message that is
 * refused unread because it names another stream: once that is answered, the first was dropped.
 */
export class WriteProbe {
  readonly #options: WriteProbeOptions
  /** Why nothing can be stored; null: it can, or the broker says nothing at all. Never rejects. */
  readonly whyNot: () => Promise<string | null>
  readonly #whyNotReady: () => Promise<string | null>
  #why: string | null = null

  constructor(options: WriteProbeOptions) {
    this.#options = options
    this.whyNot = atMostEvery(1 * SECOND, options.clock, async () => {
      this.#why = await this.#ask(options.subject, KEPT_FOR)
      return this.#why
    })
    const { readySubject } = options
    const ask = () => (readySubject === undefined ? Promise.resolve(null) : this.#ask(readySubject, null))
    this.#whyNotReady = atMostEvery(1 * SECOND, options.clock, ask)
  }

  /** Whether nothing could be stored when it was last asked: a publish that is slow has it found out. */
  get isSuspect(): boolean {
    return this.#why !== null
  }

  /** @throws AppError `cannot-store` */
  async check(): Promise<void> {
    const why = await this.whyNot()
    if (why !== null) throw cannotStore(why)
  }

  /**
   * For readiness: writes, also where nothing else is written, and not into the stream that is meant, whose readers count
   * what comes and goes.
   * @throws AppError `cannot-store`
   */
  async checkReady(): Promise<void> {
    if (this.isSuspect) await this.check()
    const why = await this.#whyNotReady()
    if (why !== null) throw cannotStore(why)
  }

  /** @param ttl how long what is written stays; null: until the next one takes its place */
  async #ask(subject: string, ttl: string | null): Promise<string | null> {
    const { broker } = this.#options
    if (!broker.isUp()) return null
    const write = this.#send(subject, ttl === null ? null : ['Nats-TTL', ttl])
    const refused = this.#send(subject, ['Nats-Expected-Stream', 'NONE'])
    const dropped = refused.then(async ({ kind }) => {
      if (kind === 'none') return write
      await pause(broker.nc.info?.cluster === undefined ? ACK_AFTER_MS.alone : ACK_AFTER_MS.cluster)
      return null
    })
    const answer = await Promise.race([write, dropped])
    if (answer === null) return "the broker's disk is full, or cannot be written"
    return answer.kind === 'refused' && isFull(answer.code) ? 'the broker has no room left' : null
  }

  async #send(subject: string, header: [name: string, value: string] | null): Promise<Answer> {
    const { broker } = this.#options
    const own = headers()
    if (header !== null) own.set(...header)
    try {
      const reply = await broker.nc.request(subject, '', { headers: own, timeout: ANSWER_MS })
      const { error } = reply.json<{ error?: { err_code?: number } }>()
      return error === undefined ? { kind: 'stored' } : { kind: 'refused', code: error.err_code ?? 0 }
    } catch {
      return { kind: 'none' }
    }
  }
}

/** The 503 of whoever would have something stored. */
export const cannotStore = (why: string): AppError =>
  new AppError('cannot-store', `Nothing can be stored at the moment: ${why}. Try again later.`, {
    headers: { 'Retry-After': '1' },
  })
