import { hash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { HTTP_WORKER_ID_PATTERN } from '#shared/contracts/http/work.ts'
import { PRIORITIES } from '#shared/contracts/log/job.ts'
import { type JobAddress, TYPE_PATTERN } from '#shared/contracts/log/subjects.ts'

/**
 * What a lease names. It is opaque to the worker, and nothing in it is believed: the log must have the same attempt, with
 * the hash of the same secret.
 */
export interface LeaseToken extends JobAddress {
  /** The process that lent the job, which is asked first. */
  gateway_id: string
  worker_id: string
  attempt: number
  /** Sequence of `job:started`: the fencing token. */
  seq: number
  /** Sequence of the message that brought the job. */
  trigger: number
  secret: string
  /** Where the delivery is acked, as `ackPlaceOf` says; may be empty. */
  ack: string
}

const word = z.string().regex(/^[A-Za-z0-9_-]{1,120}$/)
const sequence = z.number().int().min(1)
const schema = z.tuple([
  word,
  z.string().regex(HTTP_WORKER_ID_PATTERN),
  z.string().regex(TYPE_PATTERN),
  z.enum(PRIORITIES),
  word,
  sequence,
  sequence,
  sequence,
  word,
  z.string().max(120),
])

export const writeLease = (token: LeaseToken): string =>
  Buffer.from(
    JSON.stringify([
      token.gateway_id,
      token.worker_id,
      token.type,
      token.priority,
      token.job_id,
      token.attempt,
      token.seq,
      token.trigger,
      token.secret,
      token.ack,
    ]),
  ).toString('base64url')

/** @returns null for a text that is no lease */
export function readLease(lease: string): LeaseToken | null {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(lease, 'base64url').toString())
  } catch {
    return null
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) return null
  const [gateway_id, worker_id, type, priority, job_id, attempt, seq, trigger, secret, ack] = parsed.data
  return { gateway_id, worker_id, type, priority, job_id, attempt, seq, trigger, secret, ack }
}

/** The secret has 126 random bits, so one round of hashing is enough. */
export const hashOf = (secret: string): string => hash('sha256', secret, 'base64url')

export function isSecretOf(leaseHash: string, secret: string): boolean {
  const [known, shown] = [Buffer.from(leaseHash), Buffer.from(hashOf(secret))]
  return known.length === shown.length && timingSafeEqual(known, shown)
}
