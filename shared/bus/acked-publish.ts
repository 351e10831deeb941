import type { Msg, Subscription } from '@nats-io/transport-node'
import type { Clock } from '#shared/time/clock.ts'
import type { Broker } from './connection.ts'
import type { Outbox } from './outbox.ts'
import { rawHeaders } from './raw-headers.ts'
import type { WriteProbe } from './write-probe.ts'

export interface OutgoingMessage {
  subject: string
  body: string | Uint8Array
  headers: Record<string, string>
}

/** The broker's answer to one publish, or that there was none. */
export type Ack =
  | { kind: 'stored'; seq: number }
  /** The `Nats-Msg-Id` is known already: `seq` is the first message's. */
  | { kind: 'duplicate'; seq: number }
  /** The broker refused it; `code` is its err_code. */
  | { kind: 'refused'; code: number; description: string }
  /** No answer, or nobody there: whether the message was stored is unknown. */
  | { kind: 'unknown'; why: string }
  /** The message never left this process. */
  | { kind: 'not-sent' }

export const NOT_SENT: Ack = { kind: 'not-sent' }

interface Waiting {
  resolve: (ack: Ack) => void
  sentAt: number
}

interface AckJson {
  seq?: number
  duplicate?: boolean
  error?: { err_code?: number; description?: string }
}

const SWEEP_MS = 100
/** An ack that takes longer than this makes the publisher check whether the broker can store at all. */
const SLOW_MS = 400

/**
 * Publishes and awaits the broker's ack at a seventh of the CPU of the client's own `js.publish`: one wildcard
 * subscription for all acks, a map from token to promise, one coarse timer. Each ack is still awaited.
 */
export class AckedPublish {
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #probe: WriteProbe | undefined
  readonly #inbox: string
  readonly #subscription: Subscription
  readonly #sweeper: NodeJS.Timeout
  /**
   * In the order in which they were sent, which is also the order of their expiry: all publishes have the same timeout.
   */
  readonly #waiting = new Map<string, Waiting>()
  #nextToken = 0

  constructor(broker: Broker, clock: Clock, timeoutMs: number, probe?: WriteProbe) {
    this.#probe = probe
    this.#outbox = broker.outbox
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#inbox = broker.newInbox()
    this.#subscription = broker.nc.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => this.#onAck(message),
    })
    this.#sweeper = setInterval(() => this.#expire(), SWEEP_MS)
  }

  get inFlight(): number {
    return this.#waiting.size
  }

  /** Never rejects. */
  send(message: OutgoingMessage): Promise<Ack> {
    return new Promise((resolve) => {
      const token = (this.#nextToken++).toString(36)
      this.#waiting.set(token, { resolve, sentAt: this.#clock.monotonic() })
      this.#publish(message, `${this.#inbox}.${token}`)
    })
  }

  /** Publishes without asking for an ack: the earlier messages of an atomic batch. */
  sendSilently(message: OutgoingMessage): void {
    this.#publish(message, undefined)
  }

  close(): void {
    clearInterval(this.#sweeper)
    this.#subscription.unsubscribe()
    for (const token of this.#waiting.keys()) this.#settle(token, { kind: 'unknown', why: 'closed' })
  }

  #publish(message: OutgoingMessage, reply: string | undefined): void {
    const headers = rawHeaders(message.headers)
    this.#outbox.send(message.subject, message.body, reply === undefined ? { headers } : { headers, reply })
  }

  #onAck(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1)
    if (!this.#waiting.has(token)) return
    // "No responders": JetStream has no leader, or no stream takes this subject.
    if (message.headers !== undefined && message.headers.code === 503) {
      this.#settle(token, { kind: 'unknown', why: 'no responders' })
      return
    }
    this.#settle(token, readAck(message))
  }

  #expire(): void {
    this.#giveUp(this.#timeoutMs, 'no answer in time')
    const [oldest] = this.#waiting.values()
    if (this.#probe === undefined || oldest === undefined) return
    if (this.#clock.monotonic() - oldest.sentAt < SLOW_MS) return
    void this.#probe.whyNot().then((why) => {
      if (why !== null) this.#giveUp(SLOW_MS, why)
    })
  }

  #giveUp(afterMs: number, why: string): void {
    const sentBefore = this.#clock.monotonic() - afterMs
    for (const [token, { sentAt }] of this.#waiting) {
      if (sentAt > sentBefore) return
      this.#settle(token, { kind: 'unknown', why })
    }
  }

  #settle(token: string, ack: Ack): void {
    const waiting = this.#waiting.get(token)
    this.#waiting.delete(token)
    waiting?.resolve(ack)
  }
}

function readAck(message: Msg): Ack {
  let ack: AckJson
  try {
    ack = JSON.parse(message.string()) as AckJson
  } catch {
    return { kind: 'unknown', why: 'an ack that is no JSON' }
  }
  if (ack.error !== undefined) {
    return { kind: 'refused', code: ack.error.err_code ?? 0, description: ack.error.description ?? '' }
  }
  if (ack.seq === undefined) return { kind: 'unknown', why: 'an ack without a sequence' }
  if (ack.duplicate === true) return { kind: 'duplicate', seq: ack.seq }
  return { kind: 'stored', seq: ack.seq }
}
