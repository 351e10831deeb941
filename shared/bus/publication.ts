import { CONTRACT_VERSION, HEADERS } from '#shared/contracts/log/events.ts'
import type { OutgoingMessage } from './acked-publish.ts'

export interface Publication {
  subject: string
  body: string
  /** Unique to this publish: the writer recognises its own stored event by it. */
  nonce: string
  /**
   * What the message is about (the id of a job, the subject of a record): two messages with the same key never share an
   * atomic batch, because the broker does not compare within a batch.
   */
  conflictKey: string
  /** Compare-and-set: the last message on `filter` must be `seq` (0: there is none). */
  expect?: { seq: number; filter: string }
  /** Dedupe id, kept by the broker for the stream's duplicate window. Only accepting uses it. */
  msgId?: string
  headers?: Record<string, string>
  /** Seconds after which the broker forgets the message. The stream must allow it. */
  keptForS?: number
  /** The broker sends the message to `target` at a time, RFC 3339 in UTC. */
  schedule?: { at: string; target: string }
}

export type PublishResult =
  | { kind: 'stored'; seq: number }
  | { kind: 'duplicate'; seq: number }
  /** Compare-and-set lost: somebody else wrote first. */
  | { kind: 'refused' }

export type BatchResult = { kind: 'stored' } | { kind: 'refused'; why: BatchRefusal }

/**
 * `duplicate`: one of the dedupe ids is known; `conflict`: one compare-and-set was lost; `too-large` for the broker;
 * `full`: the stream or the broker's disk has no room for the batch.
 */
export type BatchRefusal = 'duplicate' | 'conflict' | 'too-large' | 'full'

/**
 * The publication as it is repeated. The dedupe window may end before the repeat arrives (it is as short as the
 * cooldown, and a frozen broker answers late): the subject of an accept is its job's own, so the repeat also requires
 * that nothing is there.
 */
export const repeatOf = (publication: Publication): Publication =>
  publication.msgId === undefined || publication.expect !== undefined
    ? publication
    : { ...publication, expect: { seq: 0, filter: publication.subject } }

/** A publication in the form that the broker takes. */
export function toMessage(publication: Publication): OutgoingMessage {
  const headers: Record<string, string> = {
    [HEADERS.nonce]: publication.nonce,
    [HEADERS.contract]: String(CONTRACT_VERSION),
    ...publication.headers,
  }
  if (publication.msgId !== undefined) headers['Nats-Msg-Id'] = publication.msgId
  if (publication.expect !== undefined) {
    headers['Nats-Expected-Last-Subject-Sequence'] = String(publication.expect.seq)
    headers['Nats-Expected-Last-Subject-Sequence-Subject'] = publication.expect.filter
  }
  if (publication.keptForS !== undefined) headers['Nats-TTL'] = `${publication.keptForS}s`
  if (publication.schedule !== undefined) {
    headers['Nats-Schedule'] = `@at ${publication.schedule.at}`
    headers['Nats-Schedule-Target'] = publication.schedule.target
  }
  return { subject: publication.subject, body: publication.body, headers }
}
