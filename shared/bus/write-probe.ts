import { setTimeout as pause } from 'node:timers/promises'
import { headers } from '@nats-io/transport-node'
import { AppError } from '#shared/errors/app-error.ts'
import { atMostEvery } from '#shared/time/at-most-every.ts'
import { type Clock, SECOND } from '#shared/time/clock.ts'
import { isFull } from './broker-codes.ts'
import type { Broker } from './connection.ts'

export interface WriteProbeOptions {
  broker: Broker
  /** A subject of the stream to be probed, which nobody reads; the stream must allow a message its own lifetime. */
  subject: string
  /** A subject of the stream of probes, for readiness; absent where readiness does not ask. */
  readySubject?: string
  clock: Clock
}

const ANSWER_MS = 2 * SECOND
/**
 * How much later the ack may come than the answer to the message after it: a single broker acks in order, a cluster has
 * to agree first.
 */
const ACK_AFTER_MS = { alone: 250, cluster: 1_500 }
/** The shortest lifetime that the broker knows: nothing stays. */
const KEPT_FOR = '1s'

type Answer = { kind: 'stored' } | { kind: 'refused'; code: number } | { kind: 'none' }

/**
 * Finds out whether the broker can store in a stream, by storing something. A broker whose disk is full never answers a
 * publish, and a slow one has not answered yet. So the probe sends a second message, which is refused unread because it
 * names another stream: once that refusal arrives without an ack of the first, the first was dropped.
 */
export class WriteProbe {
  readonly #options: WriteProbeOptions
  /** Finds the reason why nothing can be stored; null: the broker can store, or says nothing at all. Never rejects. */
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

  /** Whether the last probe could store nothing: a slow publish starts a probe. */
  get isSuspect(): boolean {
    return this.#why !== null
  }

  /** @throws AppError `cannot-store` */
  async check(): Promise<void> {
    const why = await this.whyNot()
    if (why !== null) throw cannotStore(why)
  }

  /**
   * The check for readiness: it writes even when nothing else is written, and not into the probed stream, whose readers
   * count what comes and goes.
   * @throws AppError `cannot-store`
   */
  async checkReady(): Promise<void> {
    if (this.isSuspect) await this.check()
    const why = await this.#whyNotReady()
    if (why !== null) throw cannotStore(why)
  }

  /** @param ttl how long the message stays; null: until the next one replaces it */
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

/** The 503 for a caller whose work cannot be stored. */
export const cannotStore = (why: string): AppError =>
  new AppError('cannot-store', `Nothing can be stored at the moment: ${why}. Try again later.`, {
    headers: { 'Retry-After': '1' },
  })
