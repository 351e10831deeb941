import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Door } from '#shared/accept/door.ts'
import type { BatchResult, Publication } from '#shared/bus/publication.ts'
import type { Publisher } from '#shared/bus/publisher.ts'
import type { Stream } from '#shared/bus/stream.ts'
import { cannotStore } from '#shared/bus/write-probe.ts'
import type { Message, MessagesAccepted } from '#shared/contracts/http/messages.ts'
import { tenantMember } from '#shared/contracts/log/job-spec.ts'
import { type StoredMessage, shardOf, shardOfKey } from '#shared/contracts/log/message.ts'
import { messageKeySubject, receivedSubject } from '#shared/contracts/log/subjects.ts'
import { AppError, unavailable } from '#shared/errors/app-error.ts'
import { epochMsOf } from '#shared/formats/rfc3339.ts'
import { type RequestInfo, requestHeaders } from '#shared/http/request-info.ts'
import { hashNames } from '#shared/ids/hash-names.ts'
import { newNonce } from '#shared/ids/ids.ts'
import type { Counter } from '#shared/process/metrics.ts'
import { HOUR, MINUTE, SECOND } from '#shared/time/clock.ts'

export interface AcceptMessagesDeps {
  /** Publishes to the stream of messages. */
  publisher: Publisher
  /** The stream of messages. */
  stream: Pick<Stream, 'lastOf'>
  door: Pick<Door, 'check'>
  /** The number of shards. */
  shards: number
  /** Bytes of messages on their way to the broker. */
  underWay: { bytes: number }
  accepted: Counter
}

export interface AcceptMessagesRequest extends RequestInfo {
  messages: Message[]
  idempotencyKey: string | null
}

const recordSchema = z.looseObject({ body_hash: z.string(), accepted: z.number().int() })

/** Bytes on their way beyond which new messages are refused, so that a stalling broker does not fill the memory. */
const UNDER_WAY_MAX_BYTES = 64 * 1024 * 1024

/** @throws AppError `unavailable`; called also before the body, which may be large, is read */
export function checkRoom({ door, underWay }: Pick<AcceptMessagesDeps, 'door' | 'underWay'>): void {
  door.check()
  if (underWay.bytes > UNDER_WAY_MAX_BYTES)
    throw unavailable('Too many messages are waiting for the broker. Try again.')
}

/**
 * Accepts all of the messages or none: they go into the stream as one atomic batch, after a key that is stored once, by
 * compare-and-set 0. Every repeat (of an unanswered publish, by the proxy, or under an Idempotency-Key) finds the key,
 * which proves that the messages are stored.
 * @throws AppError `key-reused`, `payload-too-large`, `unavailable`, `cannot-store`
 */
export async function acceptMessages(
  deps: AcceptMessagesDeps,
  request: AcceptMessagesRequest,
): Promise<MessagesAccepted & { replayed: boolean }> {
  const messages = request.messages.map((message) => toStored(message, request.caller.tenant))
  const accepted = messages.length
  const bodies = messages.map((message) => JSON.stringify(message))
  const record = { body_hash: hash('sha256', bodies.join('\n'), 'base64url'), accepted }
  const key = keyPublication(request, JSON.stringify(record))
  const received = messages.map((message, n) => ({
    subject: receivedSubject(shardFor(message, deps.shards)),
    body: bodies[n] ?? '',
    nonce: key.nonce,
    conflictKey: key.conflictKey,
  }))
  const result = await publish(deps, [key, ...received])
  if (result.kind === 'stored') {
    deps.accepted.inc(accepted)
    return { accepted, replayed: false }
  }
  if (result.why === 'full') throw cannotStore('the broker has no room for these messages')
  if (result.why === 'too-large') {
    throw new AppError(
      'payload-too-large',
      'The broker does not accept an atomic batch of this size. Send fewer messages at once.',
    )
  }
  await checkSame(deps.stream, key.subject, record.body_hash)
  return { accepted, replayed: request.idempotencyKey !== null }
}

async function publish(deps: AcceptMessagesDeps, publications: Publication[]): Promise<BatchResult> {
  const { publisher, underWay } = deps
  // Other requests came while the body was read.
  checkRoom(deps)
  const bytes = publications.reduce((sum, { body }) => sum + body.length, 0)
  underWay.bytes += bytes
  try {
    return await publisher.publishBatch(publications)
  } finally {
    underWay.bytes -= bytes
  }
}

const shardFor = ({ timestamp, key }: StoredMessage, shards: number): number =>
  key === undefined ? shardOf(epochMsOf(timestamp), shards) : shardOfKey(key, shards)

const toStored = ({ timestamp, value, key }: Message, tenant: string | null): StoredMessage => ({
  timestamp,
  value: value ?? null,
  ...(key === undefined ? {} : { key }),
  ...tenantMember(tenant),
})

function keyPublication(request: AcceptMessagesRequest, body: string): Publication {
  const { id, keptMs } = keyOf(request)
  const subject = messageKeySubject(id)
  return {
    subject,
    body,
    nonce: newNonce(),
    conflictKey: id,
    expect: { seq: 0, filter: subject },
    headers: requestHeaders(request),
    keptForS: keptMs / SECOND,
  }
}

/**
 * @returns the key, and the milliseconds for which a repeat is recognised: repeats by this service and by the proxy
 * come within seconds
 */
function keyOf({ caller, idempotencyKey, requestId, requestIdTrusted }: AcceptMessagesRequest) {
  if (idempotencyKey !== null) return { id: hashNames(caller.tenant, 'messages', idempotencyKey), keptMs: HOUR }
  const id = requestIdTrusted ? hashNames(caller.tenant, 'proxied-messages', requestId) : newNonce()
  return { id, keptMs: 2 * MINUTE }
}

/** @throws AppError `key-reused` when the key came with other messages */
async function checkSame(stream: AcceptMessagesDeps['stream'], subject: string, bodyHash: string): Promise<void> {
  const record = await readRecord(stream, subject)
  if (record.body_hash !== bodyHash) {
    throw new AppError(
      'key-reused',
      'This Idempotency-Key was used with different messages in the last hour. Use a new key.',
    )
  }
}

async function readRecord(
  stream: AcceptMessagesDeps['stream'],
  subject: string,
): Promise<z.infer<typeof recordSchema>> {
  try {
    return recordSchema.parse(JSON.parse((await stream.lastOf(subject))?.body ?? 'null'))
  } catch (error) {
    throw unavailable('The broker did not answer about this Idempotency-Key. Try again.', error)
  }
}
