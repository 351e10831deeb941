import type { Msg, Subscription } from '@nats-io/transport-node'
import { JOBS_STREAM } from '#shared/contracts/log/subjects.ts'
import { systemClock } from '#shared/time/clock.ts'
import { MILLISECOND_NS } from './broker-codes.ts'
import type { Broker } from './connection.ts'

export interface AskedAt {
  monotonicMs: number
  wallMs: number
}

/** One message of a consumer, until it is acked or handed back. */
export interface Delivery {
  subject: string
  body: string
  /** The message's stream sequence. */
  seq: number
  /** When the broker stored it: nanoseconds since 1970. */
  storedNs: string
  /** Number of deliveries, this one included. */
  deliveries: number
  /** Number of this delivery at the consumer; the numbers have no gap. */
  consumerSeq: number
  /** Number of messages that wait behind this one. */
  pending: number
  /** When this process asked for it: the broker delivered it then or later. */
  asked: AskedAt
  /** Subject for acks and renewals; any connection of this user may publish on it. */
  ackSubject: string
  /** A header's value, '' without it. Reading the first header parses them all. */
  header(name: string): string
}

export interface PullRequest {
  consumer: string
  /** Largest number of messages. */
  batch: number
  /**
   * 0: answer at once with whatever is there. Otherwise wait this long for the first message, then answer with what is
   * there.
   */
  waitMs: number
  /** Bytes of all messages at most; a batch may end with fewer messages for it. */
  maxBytes?: number
  onDelivery(delivery: Delivery): void
}

export interface PullResult {
  received: number
  /**
   * `gone`: no such consumer, no leader, or no answer at all. `early`: a pull that was to wait was sent back at once,
   * because others already wait for the messages of a paused consumer. `ended`: by this process.
   */
  end: 'done' | 'early' | 'gone' | 'ended'
}

interface OpenPull {
  token: string
  request: PullRequest
  received: number
  done: (result: PullResult) => void
  asked: AskedAt
  timer: NodeJS.Timeout
}

/**
 * The open pull of one consumer. Deliveries carry their own subject, not the pull's: with a subscription for each
 * consumer it is known whose they are.
 */
interface Puller {
  inbox: string
  subscription: Subscription
  open: OpenPull | null
  /**
   * When the first pull was asked that was given up here: what it brought may still wait to be read. null once the broker
   * has answered a later one.
   */
  givenUp: AskedAt | null
}

const GRACE_MS = 1_000
const NUDGE_MS = 100

/** Pull requests in the broker's form, without the client's prefetching: a message is requested when a slot is free. */
export class ConsumerPuller {
  readonly #broker: Broker
  readonly #stream: string
  readonly #pullers = new Map<string, Puller>()
  #nextToken = 0

  constructor(broker: Broker, stream: string = JOBS_STREAM) {
    this.#broker = broker
    this.#stream = stream
  }

  /**
   * Resolves once the batch is full, nothing (more) is there, or time is up. Never rejects. A consumer has one open
   * pull: a new one ends the one before.
   */
  pull(request: PullRequest): Promise<PullResult> {
    const puller = this.#pullerOf(request.consumer)
    this.#giveUp(puller, 'ended')
    return new Promise((resolve) => {
      const token = (this.#nextToken++).toString(36)
      // A broker that went away forgets the request: stop waiting a little after it would have answered.
      const timer = setTimeout(() => this.#giveUp(puller, 'gone'), request.waitMs + GRACE_MS)
      puller.open = { token, request, received: 0, done: resolve, asked: askedNow(), timer }
      const wait = request.waitMs === 0 ? {} : { expires: request.waitMs * MILLISECOND_NS }
      const room = request.maxBytes === undefined ? {} : { max_bytes: request.maxBytes }
      this.#broker.outbox.send(
        `$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${request.consumer}`,
        JSON.stringify({ batch: request.batch, no_wait: true, ...wait, ...room }),
        { reply: `${puller.inbox}.${token}` },
      )
    })
  }

  ack(delivery: Delivery): void {
    this.#broker.outbox.send(delivery.ackSubject, '+ACK')
  }

  /** Hands a delivery back: at once, or after a delay during which it keeps its place among the pending. */
  nak(delivery: Delivery, delayMs = 0): void {
    this.#broker.outbox.send(
      delivery.ackSubject,
      delayMs === 0 ? '-NAK' : `-NAK {"delay": ${delayMs * MILLISECOND_NS}}`,
    )
  }

  /**
   * Makes the broker look at a consumer that was resumed: by itself the broker looks only at the next request, and a
   * request that does not wait is sent back while others do.
   */
  nudge(consumer: string): void {
    const puller = this.#pullers.get(consumer)
    if (puller?.open == null) return
    const request = JSON.stringify({ batch: 1, expires: NUDGE_MS * MILLISECOND_NS })
    this.#broker.outbox.send(`$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.${consumer}`, request, {
      reply: `${puller.inbox}.nudge`,
    })
  }

  /** Ends a consumer's open pull, if it has one; messages that the broker still sends on it are handed back. */
  end(consumer: string): void {
    const puller = this.#pullers.get(consumer)
    if (puller !== undefined) this.#giveUp(puller, 'ended')
  }

  /** Ends every open pull; messages that the broker still sends on them are handed back. */
  endAll(): void {
    for (const puller of this.#pullers.values()) this.#giveUp(puller, 'ended')
  }

  close(): void {
    this.endAll()
    for (const puller of this.#pullers.values()) puller.subscription.unsubscribe()
  }

  #pullerOf(consumer: string): Puller {
    const known = this.#pullers.get(consumer)
    if (known !== undefined) return known
    const inbox = this.#broker.newInbox()
    const subscription = this.#broker.nc.subscribe(`${inbox}.*`, {
      callback: (_error, message) => this.#onMessage(puller, message),
    })
    const puller: Puller = { inbox, subscription, open: null, givenUp: null }
    this.#pullers.set(consumer, puller)
    return puller
  }

  #onMessage(puller: Puller, message: Msg): void {
    // A status comes on the pull's own subject: 404 nothing there, 408 time is up or others wait, 409 the consumer is
    // gone, 503 no leader.
    if (message.subject.startsWith(puller.inbox)) {
      const token = message.subject.slice(puller.inbox.length + 1)
      const status = message.headers?.code ?? 0
      if (puller.open?.token !== token) return
      puller.givenUp = null
      this.#end(puller, endOfStatus(status, puller.open))
      return
    }
    const { open } = puller
    const delivery = readDelivery(message, puller.givenUp ?? open?.asked ?? askedNow())
    if (delivery === null) return
    if (open === null) {
      this.nak(delivery)
      return
    }
    open.received++
    open.request.onDelivery(delivery)
    if (open.received >= open.request.batch) this.#end(puller, 'done')
  }

  #giveUp(puller: Puller, end: PullResult['end']): void {
    puller.givenUp ??= puller.open?.asked ?? null
    this.#end(puller, end)
  }

  #end(puller: Puller, end: PullResult['end']): void {
    const { open } = puller
    if (open === null) return
    puller.open = null
    clearTimeout(open.timer)
    open.done({ received: open.received, end })
  }
}

const askedNow = (): AskedAt => ({ monotonicMs: systemClock.monotonic(), wallMs: systemClock.now() })

function endOfStatus(status: number, { request, asked, received }: OpenPull): PullResult['end'] {
  if (status !== 404 && status !== 408) return 'gone'
  const waitedMs = systemClock.monotonic() - asked.monotonicMs
  return received === 0 && waitedMs < request.waitMs / 2 ? 'early' : 'done'
}

/**
 * Reads the subject `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>...`; with a domain and account hash it has
 * two more tokens.
 */
function readDelivery(message: Msg, asked: AskedAt): Delivery | null {
  if (message.reply === undefined || message.reply === '') return null
  const tokens = message.reply.split('.')
  const first = tokens.length > 9 ? 6 : 4
  return {
    subject: message.subject,
    body: message.string(),
    seq: Number(tokens[first + 1]),
    storedNs: tokens[first + 3] ?? '',
    deliveries: Number(tokens[first]),
    consumerSeq: Number(tokens[first + 2]),
    pending: Number(tokens[first + 4]),
    asked,
    ackSubject: message.reply,
    header: (name) => message.headers?.get(name) ?? '',
  }
}
