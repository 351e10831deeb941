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

/** A message of a job's history as its event, or what stands for it. @returns null for a subject that is of no history */
export const readEvent = (message: LoggedMessage): LoggedEvent | null => parseEvent(message.body) ?? standInFor(message)

/** @returns null for what is no event of this contract, also once its texts are texts */
export const parseEvent = (body: string): JobEvent | null => parseForeign(jobEventSchema, body)

/**
 * JSON of which some members came from foreign code: those that are no texts, or no error, are made so rather than that
 * the whole is lost for them.
 */
export function parseForeign<T extends z.ZodType>(schema: T, body: string): z.output<T> | null {
  // Whoever folds, merges or shows it walks it: what is nested thousands deep would end them.
  if (body.length > MAX_DEPTH && isTooDeep(body, MAX_DEPTH)) return null
  const value = parseJson(body)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  if (!parsed.error.issues.every(({ path }) => FOREIGN_MEMBERS.has(String(path[0])))) return null
  const repaired = schema.safeParse(withForeignTexts(value as Record<string, unknown>))
  return repaired.success ? repaired.data : null
}

/** Far above what may be written, and far below what a stack holds. */
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
 * A message whose body nobody here can read counts all the same: the end of a job is its end by its subject, and
 * everything else has moved the history on.
 * @returns null for a subject that is of no history
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
    // When the job was accepted is all that its address tells.
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
