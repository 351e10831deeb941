import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { LogReader } from '#shared/bus/log-reader.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import { IDEMPOTENCY_KEY_MAX_LENGTH } from '#shared/contracts/http.ts'
import type { Clock } from '#shared/runtime/clock.ts'
import { AppError, unavailable } from '#shared/runtime/errors.ts'
import { hashNames } from '#shared/runtime/hash-names.ts'
import { newJobId, newNonce } from '#shared/runtime/ids.ts'

export interface KeyClaim {
  jobId: string
  createdAtMs: number
  /** Another request made the claim before. */
  isRepeat: boolean
}

const recordSchema = z.looseObject({ job_id: z.string(), created_at_ms: z.number(), body_hash: z.string() })

const CLAIM_DEADLINE_MS = 5_000

/** RFC-to-be Idempotency-Key: visible ASCII, also inside the quotes of a structured string. */
const KEY_PATTERN = /^[\x21-\x7e]+(?: +[\x21-\x7e]+)*$/

/** @throws AppError `invalid-header`; null when the header was not sent */
export function readIdempotencyKey(request: IncomingMessage): string | null {
  if (request.headers['idempotency-key'] === undefined) return null
  // Apart, because Node joins what stands twice.
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
  /** Each has keys of its own: a proxy's id of a request counts as one where it repeats a request. */
  space: 'jobs' | 'requests' | 'proxied-requests'
  key: string
}

/** A proxy repeats at once; there is one for each request, and the others' room is a day's. */
const PROXIED_KEPT_S = 120

const subjectOf = ({ tenant, space, key }: IdempotencyKey): string => `key.${hashNames(tenant, space, key)}`

/**
 * One small message a key, stored once by compare-and-set 0 and kept for 24 hours (a proxy's for minutes): it fixes the job's id before the
 * job is made. A crash between the two heals itself: the repeat makes the job under the recorded id.
 */
export class IdempotencyKeys {
  readonly #publisher: Publisher
  readonly #reader: LogReader
  readonly #clock: Clock

  /** @param reader of the stream KEYS */
  constructor(publisher: Publisher, reader: LogReader, clock: Clock) {
    this.#publisher = publisher
    this.#reader = reader
    this.#clock = clock
  }

  /** @throws AppError `key-reused` when the key was used with another body */
  async claim(key: IdempotencyKey, body: unknown): Promise<KeyClaim> {
    const subject = subjectOf(key)
    const bodyHash = hashOf(body)
    const createdAtMs = this.#clock.now()
    const jobId = newJobId(createdAtMs)
    const record = { job_id: jobId, created_at_ms: createdAtMs, body_hash: bodyHash }
    const result = await this.#publisher.publish(
      {
        subject,
        body: JSON.stringify(record),
        nonce: newNonce(),
        jobId,
        expect: { seq: 0, filter: subject },
        ...(key.space === 'proxied-requests' ? { headers: { 'Nats-TTL': `${PROXIED_KEPT_S}s` } } : {}),
      },
      { deadlineMs: CLAIM_DEADLINE_MS },
    )
    if (result.kind === 'stored') return { jobId, createdAtMs, isRepeat: false }
    const first = await this.#readRecord(subject)
    if (first === null) throw unavailable('The record of this Idempotency-Key is gone. Try again.')
    if (first.body_hash !== bodyHash) {
      throw new AppError('key-reused', 'This Idempotency-Key was used with another body in the last 24 hours.')
    }
    return { jobId: first.job_id, createdAtMs: first.created_at_ms, isRepeat: true }
  }

  /**
   * The id that an earlier claim of the key fixed for this very body; null: there was none.
   * @throws AppError `unavailable`
   */
  async find(key: IdempotencyKey, body: unknown): Promise<string | null> {
    const record = await this.#readRecord(subjectOf(key))
    return record?.body_hash === hashOf(body) ? record.job_id : null
  }

  async #readRecord(subject: string): Promise<z.infer<typeof recordSchema> | null> {
    try {
      const message = await this.#reader.lastOf(subject)
      return message === null ? null : recordSchema.parse(JSON.parse(message.body))
    } catch (error) {
      throw unavailable('The record of this Idempotency-Key cannot be read.', error)
    }
  }
}

const hashOf = (body: unknown): string => hash('sha256', canonicalJson(body), 'base64url')

/** The same value in the same text, whatever the order of its members. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}
