import { HEADERS } from '#shared/contracts/log/events.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { type Clock, SECOND, sleep } from '#shared/time/clock.ts'
import { type Ack, AckedPublish, NOT_SENT, type OutgoingMessage } from './acked-publish.ts'
import { BATCH_DUPLICATE, BATCH_TOO_LARGE, isFull, isIncomplete, isUndecided, isWrongSequence } from './broker-codes.ts'
import type { Broker } from './connection.ts'
import { GroupCommit, type Unit } from './group-commit.ts'
import {
  type BatchRefusal,
  type BatchResult,
  type Publication,
  type PublishResult,
  repeatOf,
  toMessage,
} from './publication.ts'
import { sendBatch } from './send-batch.ts'
import type { Stream } from './stream.ts'
import { cannotStore, type WriteProbe } from './write-probe.ts'

export interface PublishOptions {
  /**
   * Milliseconds without a verdict after which the publish throws; Infinity repeats until the signal. 5 s by default.
   */
  deadlineMs?: number
  signal?: AbortSignal
}

export interface PublisherOptions {
  broker: Broker
  /** The stream of the messages: after an unanswered publish, its content tells whether the message was stored. */
  stream: Pick<Stream, 'lastOf'>
  clock: Clock
  /** Publishes in flight before new ones are refused. */
  maxInFlight: number
  /** Commit in groups: for brokers that sync every write, and for many small batches at once. */
  groupCommit: boolean
  /** Probe of the stream. With it, a publish that would wait in vain fails at once. */
  probe?: WriteProbe | undefined
}

/**
 * Longer than a reconnect, and shorter than nginx's read timeout: a caller gets the service's answer, not the
 * gateway's.
 */
export const VERDICT_DEADLINE_MS = 5 * SECOND
const ACK_TIMEOUT_MS = 1_500
const RETRY_MIN_MS = 20
const RETRY_MAX_MS = 500
/** More than any message carries beside its body. */
const HEADERS_ROOM_BYTES = 4 * 1024
const NO_ROOM = 'the broker has no room left'
const CUT_SHORT = 'it received only part of a batch'

/**
 * Publishes to the log and returns only with a verdict: stored, duplicate or refused. An unanswered publish is
 * *unknown*, not failed: it is repeated, and when the repeat is refused, the nonce of the message stored on that very
 * subject tells whether it came from the first try.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #acked: AckedPublish
  readonly #group: GroupCommit | null

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#acked = new AckedPublish(options.broker, options.clock, ACK_TIMEOUT_MS, options.probe)
    const { clock, broker } = options
    const isUp = () => broker.isUp()
    this.#group = options.groupCommit ? new GroupCommit(this.#acked, { clock, isUp, waitMs: ACK_TIMEOUT_MS }) : null
  }

  /**
   * @throws AppError `unavailable` when there is no verdict by the deadline: the outcome is unknown; `cannot-store` when the
   * broker can store nothing; `payload-too-large` for what it can never take
   */
  async publish(publication: Publication, options: PublishOptions = {}): Promise<PublishResult> {
    this.#checkSize(publication)
    let message = toMessage(publication)
    let maybeStored = false
    return this.#untilVerdict<PublishResult>(options, async () => {
      const ack = await this.#send(message, publication)
      if (ack.kind === 'stored' || ack.kind === 'duplicate') return { kind: ack.kind, seq: ack.seq }
      if (ack.kind === 'unknown') {
        maybeStored = true
        message = toMessage(repeatOf(publication))
      }
      if (!isDecided(ack)) return problemOf(ack)
      if (isWrongSequence(ack.code)) return maybeStored ? this.#verdict(publication) : { kind: 'refused' }
      throw new Error(`the broker refused ${publication.subject}: ${ack.description} (${ack.code})`)
    })
  }

  /**
   * Publishes all or none, as one atomic batch of messages. Each belongs to a job of its own, or is compared with
   * nothing. The first one has a compare-and-set or a dedupe id, by which an unanswered batch is recognised.
   * @throws as `publish`
   */
  async publishBatch(publications: Publication[], options: PublishOptions = {}): Promise<BatchResult> {
    const [first] = publications
    if (first === undefined) return { kind: 'stored' }
    for (const publication of publications) this.#checkSize(publication)
    const unit = unitOf(publications)
    let maybeStored = false
    return this.#untilVerdict<BatchResult>(options, async () => {
      // All or none: the first message's fate is that of all. Asked before they are sent again, because one stored
      // message would make the whole group fail.
      const before = maybeStored ? await this.#verdict(first) : null
      if (typeof before === 'string') return before
      if (before?.kind === 'stored') return { kind: 'stored' }
      const ack = await this.#sendUnit(unit)
      if (ack.kind === 'stored') return { kind: 'stored' }
      if (ack.kind === 'unknown') {
        maybeStored = true
        unit.messages = publications.map(repeatOf).map(toMessage)
      }
      if (!isSettled(ack)) return problemOf(ack)
      const verdict = maybeStored ? await this.#verdict(first) : null
      if (typeof verdict === 'string') return verdict
      return verdict?.kind === 'stored'
        ? { kind: 'stored' }
        : { kind: 'refused', why: whyRefused(ack.code, ack.description) }
    })
  }

  /**
   * Tries again, with growing pauses, until there is a verdict.
   * @param tryOnce resolves with the verdict, or a text that says why there is none
   * @throws AppError `unavailable` when there is none by the deadline; earlier `cannot-store`, where the broker can
   * store nothing. A publish without a deadline waits until it can.
   */
  async #untilVerdict<T extends object>(options: PublishOptions, tryOnce: () => Promise<T | string>): Promise<T> {
    const { clock } = this.#options
    const { deadlineMs = VERDICT_DEADLINE_MS, signal } = options
    const giveUpAt = clock.monotonic() + deadlineMs
    const probe = Number.isFinite(deadlineMs) ? this.#options.probe : undefined
    if (probe?.isSuspect) await probe.check()
    for (let pauseMs = RETRY_MIN_MS; ; pauseMs = Math.min(pauseMs * 2, RETRY_MAX_MS)) {
      const verdict = await tryOnce()
      if (typeof verdict !== 'string') return verdict
      if (probe !== undefined && verdict === NO_ROOM) throw cannotStore(verdict)
      // A full disk shows here; a single message would just get no answer.
      if (probe?.isSuspect || verdict === CUT_SHORT) await probe?.check()
      if (signal?.aborted === true || clock.monotonic() + pauseMs > giveUpAt) {
        throw unavailable(
          `The broker did not confirm in time (${verdict}). Whether anything was stored is unknown; repeat the request.`,
        )
      }
      await sleep(pauseMs)
    }
  }

  #checkSize({ subject, body }: Publication): void {
    if (Buffer.byteLength(body) + HEADERS_ROOM_BYTES <= this.#options.broker.maxPayload) return
    throw new AppError(
      'payload-too-large',
      `The event ${subject.split('.')[0] ?? ''} exceeds the broker's message limit.`,
    )
  }

  close(): void {
    this.#acked.close()
  }

  #send(message: OutgoingMessage, publication: Publication): Promise<Ack> {
    // The client buffers and loses messages that are published while disconnected: do not publish them.
    if (!this.#options.broker.isUp() || this.#isFull()) return Promise.resolve(NOT_SENT)
    if (this.#group === null) return this.#acked.send(message)
    return this.#group.send({
      messages: [message],
      conflictKeys: [publication.conflictKey],
      msgIds: msgIdsOf(publication),
    })
  }

  #sendUnit(unit: Unit): Promise<Ack> {
    if (!this.#options.broker.isUp() || this.#isFull()) return Promise.resolve(NOT_SENT)
    return this.#group === null ? sendBatch(this.#acked, unit.messages) : this.#group.send(unit)
  }

  #isFull(): boolean {
    return this.#acked.inFlight + (this.#group?.waiting ?? 0) >= this.#options.maxInFlight
  }

  /** Finds whose event is stored on the exact subject of the publication. A text when the log cannot be asked now. */
  async #verdict(publication: Publication): Promise<PublishResult | string> {
    try {
      const last = await this.#options.stream.lastOf(publication.subject)
      if (last?.headers.get(HEADERS.nonce) === publication.nonce) return { kind: 'stored', seq: last.seq }
      return { kind: 'refused' }
    } catch {
      return 'the log cannot be read'
    }
  }
}

type Refusal = Extract<Ack, { kind: 'refused' }>

const isSettled = (ack: Ack): ack is Refusal => ack.kind === 'refused' && !isUndecided(ack.code)
/** Whether a refusal will not change by itself: a full stream takes messages again later. */
const isDecided = (ack: Ack): ack is Refusal => isSettled(ack) && !isFull(ack.code)

const unitOf = (publications: Publication[]): Unit => ({
  messages: publications.map(toMessage),
  conflictKeys: [...new Set(publications.map(({ conflictKey }) => conflictKey))],
  msgIds: publications.flatMap(msgIdsOf),
})

const msgIdsOf = ({ msgId }: Publication): string[] => (msgId === undefined ? [] : [msgId])

function problemOf(ack: Ack): string {
  if (ack.kind === 'unknown') return ack.why
  if (ack.kind !== 'refused') return 'it is unreachable or overloaded'
  if (isIncomplete(ack.code)) return CUT_SHORT
  return isFull(ack.code) ? NO_ROOM : `it cannot store now (${ack.code})`
}

function whyRefused(code: number, description: string): BatchRefusal {
  if (isFull(code)) return 'full'
  if (code === BATCH_DUPLICATE) return 'duplicate'
  if (code === BATCH_TOO_LARGE) return 'too-large'
  if (isWrongSequence(code)) return 'conflict'
  throw new Error(`the broker refused a batch: ${description} (${code})`)
}
