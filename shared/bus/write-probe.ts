import { setTimeout as pause } from 'node:timers/promises'
import { headers } from '@nats-io/transport-node'
import { atMostEvery } from '#shared/runtime/at-most-every.ts'
import { type Clock, SECOND } from '#shared/runtime/clock.ts'
import { AppError } from '#shared/runtime/errors.ts'
import { isFull } from './broker-codes.ts'
import type { Broker } from './connection.ts'

export interface WriteProbeOptions {
  broker: Broker
  /** Of the stream that is meant, and read by nobody; the stream must allow a message its own lifetime. */
  subject: string
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
  #why: string | null = null

  constructor(options: WriteProbeOptions) {
    this.#options = options
    this.whyNot = atMostEvery(1 * SECOND, options.clock, async () => {
      this.#why = await this.#ask()
      return this.#why
    })
  }

  /** Costs nothing while all is well: a publish that is slow has it found out. @throws AppError `cannot-store` */
  async check(): Promise<void> {
    if (this.#why !== null) await this.checkNow()
  }

  /** @throws AppError `cannot-store` */
  async checkNow(): Promise<void> {
    const why = await this.whyNot()
    if (why !== null) throw cannotStore(why)
  }

  async #ask(): Promise<string | null> {
    const { broker } = this.#options
    if (!broker.isUp()) return null
    const write = this.#send('Nats-TTL', KEPT_FOR)
    const refused = this.#send('Nats-Expected-Stream', 'NONE')
    const dropped = refused.then(async ({ kind }) => {
      if (kind === 'none') return write
      await pause(broker.nc.info?.cluster === undefined ? ACK_AFTER_MS.alone : ACK_AFTER_MS.cluster)
      return null
    })
    const answer = await Promise.race([write, dropped])
    if (answer === null) return "the broker's disk is full, or cannot be written"
    return answer.kind === 'refused' && isFull(answer.code) ? 'the broker has no room left' : null
  }

  async #send(header: string, value: string): Promise<Answer> {
    const { broker, subject } = this.#options
    const own = headers()
    own.set(header, value)
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
  new AppError('cannot-store', `Nothing can be stored now: ${why}.`, { headers: { 'Retry-After': '1' } })
