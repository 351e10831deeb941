import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { Broker } from '#shared/bus/connection.ts'
import { Publisher } from '#shared/bus/publisher.ts'
import { Stream } from '#shared/bus/stream.ts'
import { WriteProbe } from '#shared/bus/write-probe.ts'
import { IDEMPOTENCY_KEY_MAX_LENGTH, ONE_CALL_KEY_PREFIX } from '#shared/contracts/http/jobs.ts'
import { KEYS_PROBE, KEYS_STREAM } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { newJobId, newNonce } from '#shared/ids/ids.ts'
import type { Logger } from '#shared/process/logger.ts'
import { gauge, type Registry } from '#shared/process/metrics.ts'
import type { Clock } from '#shared/time/clock.ts'
import { Door } from './door.ts'

export interface KeyClaim {
  jobId: string
  createdAtMs: number
  /** Whether another request made the claim before. */
  isRepeat: boolean
}

const recordSchema = z.looseObject({ job_id: z.string(), created_at_ms: z.number(), body_hash: z.string() })

/** The syntax of an Idempotency-Key (an RFC draft): visible ASCII, also inside the quotes of a structured string. */
const KEY_PATTERN = /^[\x21-\x7e]+(?: +[\x21-\x7e]+)*$/

/** @throws AppError `invalid-header`; null when the header was not sent */
export function readIdempotencyKey(request: IncomingMessage): string | null {
  if (request.headers['idempotency-key'] === undefined) return null
  // `headersDistinct`, because Node joins the values of a repeated header.
  const [key = '', ...more] = request.headersDistinct['idempotency-key'] ?? []
  if (more.length > 0 || key.length > IDEMPOTENCY_KEY_MAX_LENGTH || !KEY_PATTERN.test(key)) {
    throw new AppError(
      'invalid-header',
      `Idempotency-Key must be one header of 1 to ${IDEMPOTENCY_KEY_MAX_LENGTH} visible ASCII characters.`,
    )
  }
  return key
}

export interface IdempotencyKey {
  tenant: string | null
  /**
   * Each space has its own keys. In the proxied ones the key is the proxy's id of a request, which stays the same when
   * the proxy repeats the request.
   */
  space: 'jobs' | 'batches' | 'requests' | 'proxied-batches' | 'proxied-requests'
  key: string
}

/** Whether the key comes from the proxy: no caller sent it. */
const isProxied = ({ space }: IdempotencyKey): boolean => space === 'proxied-batches' || space === 'proxied-requests'

/**
 * Seconds for which a key is kept; null: the stream's 24 hours. Every call has a key of its own, and a day's worth of
 * those would soon fill the room.
 */
function keptS(of: IdempotencyKey): number | null {
  // A proxy repeats a request at once.
  if (isProxied(of)) return 120
  return of.key.startsWith(ONE_CALL_KEY_PREFIX) ? 3_600 : null
}

const subjectOf = ({ tenant, space, key }: IdempotencyKey): string => `key.${hashNames(tenant, space, key)}`

export interface IdempotencyKeysOptions {
  broker: Broker
  /** KEYS_MAX: keys of the last 24 hours; about 350 bytes of the broker's memory each. */
  config: { NATS_GROUP_COMMIT: boolean; KEYS_MAX: number }
  registry: Registry
  clock: Clock
  log: Logger
}

/** Claims under way; beyond it new ones are refused at once. */
const MAX_IN_FLIGHT = 10_000

/**
 * One small message for each key, stored once by compare-and-set 0 and kept for 24 hours (a single call's key for an
 * hour, a proxy's for minutes): it fixes the job's id before the job is created. A crash between the two heals itself:
 * the repeat creates the job under the recorded id.
 */
export class IdempotencyKeys {
  readonly #publisher: Publisher
  readonly #stream: Stream
  readonly #door: Door
  readonly #clock: Clock

  constructor({ broker, config, registry, clock, log }: IdempotencyKeysOptions) {
    const { KEYS_MAX: keysMax, NATS_GROUP_COMMIT: groupCommit } = config
    const known = gauge(registry, 'hasty_idempotency_keys', 'Idempotency-Keys that are known; KEYS_MAX is the most')
    this.#clock = clock
    this.#stream = new Stream(broker, KEYS_STREAM)
    // A publisher of its own: an atomic batch, and so a group, cannot cross streams.
    this.#publisher = new Publisher({
      broker,
      stream: this.#stream,
      clock,
      maxInFlight: MAX_IN_FLIGHT,
      groupCommit,
      probe: new WriteProbe({ broker, subject: KEYS_PROBE, clock }),
    })
    this.#door = new Door({
      whyFull: async () => {
        const { subjects } = await this.#stream.state()
        known.set(subjects)
        return subjects < keysMax
          ? null
          : `The limit of ${keysMax} Idempotency-Keys (KEYS_MAX) is reached. Retry without a key, or later.`
      },
      isBrokerUp: () => broker.isUp(),
      log,
    })
  }

  start(): Promise<void> {
    return this.#door.start()
  }

  async stop(): Promise<void> {
    await this.#door.stop()
    this.#publisher.close()
  }

  /** @throws AppError `key-reused` when the key was used with another body; `unavailable` */
  async claim(key: IdempotencyKey, body: unknown): Promise<KeyClaim> {
    const subject = subjectOf(key)
    const bodyHash = hashOf(body)
    return (await this.#claimFirst(key, subject, bodyHash)) ?? repeat(await this.#readRecord(subject), bodyHash)
  }

  /** @returns null when there is an earlier claim */
  async #claimFirst(key: IdempotencyKey, subject: string, bodyHash: string): Promise<KeyClaim | null> {
    // A known key needs no room.
    if (this.#door.isShut && !isProxied(key)) {
      if ((await this.#readRecord(subject)) !== null) return null
      this.#door.check()
    }
    const createdAtMs = this.#clock.now()
    const jobId = newJobId(createdAtMs)
    const record = { job_id: jobId, created_at_ms: createdAtMs, body_hash: bodyHash }
    const ttlS = keptS(key)
    const result = await this.#publisher.publish({
      subject,
      body: JSON.stringify(record),
      nonce: newNonce(),
      conflictKey: subject,
      expect: { seq: 0, filter: subject },
      ...(ttlS === null ? {} : { keptForS: ttlS }),
    })
    return result.kind === 'stored' ? { jobId, createdAtMs, isRepeat: false } : null
  }

  /**
   * The id that an earlier claim of the key fixed for the same body; null: there was no claim.
   * @throws AppError `unavailable`
   */
  async find(key: IdempotencyKey, body: unknown): Promise<string | null> {
    const record = await this.#readRecord(subjectOf(key))
    return record?.body_hash === hashOf(body) ? record.job_id : null
  }

  async #readRecord(subject: string): Promise<KeyRecord | null> {
    try {
      const message = await this.#stream.lastOf(subject)
      return message === null ? null : recordSchema.parse(JSON.parse(message.body))
    } catch (error) {
      throw unavailable('The broker did not answer about this Idempotency-Key. Try again.', error)
    }
  }
}

type KeyRecord = z.infer<typeof recordSchema>

function repeat(first: KeyRecord | null, bodyHash: string): KeyClaim {
  if (first === null) throw unavailable('The record of this Idempotency-Key has just expired. Try again.')
  if (first.body_hash !== bodyHash) {
    throw new AppError('key-reused', 'This Idempotency-Key was used with a different body. Use a new key.')
  }
  return { jobId: first.job_id, createdAtMs: first.created_at_ms, isRepeat: true }
}

const hashOf = (body: unknown): string => hash('sha256', canonicalJson(body), 'base64url')

/** Canonical JSON: equal values give equal text, whatever the order of their members. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
