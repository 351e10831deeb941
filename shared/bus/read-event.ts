import type { z } from 'zod'
import { type JobEvent, jobEventSchema, type LoggedEvent } from '#shared/contracts/log/events.ts'
import { jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { parseSubject } from '#shared/contracts/log/subjects.ts'
import { describeThrown, memberOf, textOf } from '#shared/errors/foreign.ts'
import { isTooDeep } from '#shared/errors/foreign-json.ts'
import { epochMsOf } from '#shared/formats/rfc3339.ts'
import { isoTime } from '#shared/time/clock.ts'

export interface LoggedMessage {
  subject: string
  seq: number
  body: string
}

/**
 * The event of a message in a job's history, or its stand-in.
 * @returns null for a subject of no history
 */
export const readEvent = (message: LoggedMessage): LoggedEvent | null => parseEvent(message.body) ?? standInFor(message)

/** @returns null for a body that is no event of this contract, even with its texts repaired */
export const parseEvent = (body: string): JobEvent | null => parseForeign(jobEventSchema, body)

/**
 * Parses JSON of which some members came from foreign code: members that should be texts or errors are converted, so
 * that the whole event is not lost for them.
 */
export function parseForeign<T extends z.ZodType>(schema: T, body: string): z.output<T> | null {
  // Everyone who folds, merges or shows an event walks through it: thousands of levels would overflow their stack.
  if (body.length > MAX_DEPTH && isTooDeep(body, MAX_DEPTH)) return null
  const value = parseJson(body)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  if (!parsed.error.issues.every(({ path }) => FOREIGN_MEMBERS.has(String(path[0])))) return null
  const repaired = schema.safeParse(withForeignTexts(value as Record<string, unknown>))
  return repaired.success ? repaired.data : null
}

/** Far above what may be written, and far below what the stack can hold. */
const MAX_DEPTH = 500
const FOREIGN_MEMBERS = new Set(['error', 'message', 'reason'])

function withForeignTexts(event: Record<string, unknown>): Record<string, unknown> {
  const { error, message, reason } = event
  return {
    ...event,
    ...(error === undefined ? {} : { error: describeThrown(error) }),
    ...(message === undefined || message === null ? {} : { message: textOf(message) }),
    ...(reason === undefined ? {} : { reason: textOf(reason) }),
  }
}

/**
 * The stand-in for a message whose body cannot be read. Such a message still counts: its subject tells whether it ends
 * the job, and any other event has moved the history on.
 * @returns null for a subject of no history
 */
export function standInFor({ subject, seq, body }: LoggedMessage): LoggedEvent | null {
  const job = parseSubject(subject)
  if (job === null || job.event === 'job:due' || job.event === 'job:timer') return null
  const { event: name } = job
  const value = parseJson(body)
  const [at, objectId, tenant] = [memberOf(value, 'at'), memberOf(value, 'object_id'), memberOf(value, 'tenant')]
  const isTime = typeof at === 'string' && !Number.isNaN(epochMsOf(at))
  const about = {
    job_id: job.job_id,
    object_id: typeof objectId === 'string' ? objectId : '',
    type: job.type,
    ...(typeof tenant === 'string' ? { tenant } : {}),
    // The address tells nothing more than when the job was accepted.
    at: isTime ? at : isoTime(jobIdTimeMs(job.job_id)),
  }
  const error = { name: 'Unreadable', message: `Message ${seq} of the log, ${name}, cannot be read.` }
  const why = { reason: 'unreadable', error }
  if (name === 'job:failed' || name === 'job:cancelled') return { event: name, ...about, ...why }
  if (name === 'job:finished') return { event: name, ...about, attempt: 1, worker_id: '', result: null, ...why }
  return { event: 'unreadable', ...about, error }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
