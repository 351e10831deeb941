import type { JobSummary } from '#shared/contracts/log/job.ts'
import { valueAt } from '#shared/formats/json-pointer.ts'

/** Conditions that no index knows: jobs are looked at one after the other. A member that is null, or empty, means any. */
export interface JobMatch {
  /** Jobs that had at least so many attempts. */
  attemptsMin: number | null
  /** Jobs of which an attempt ran on this worker. */
  worker: string | null
  /** Jobs whose payload has each value at its JSON pointer ('' is the whole payload), compared as text. */
  payload: readonly { pointer: string; value: string }[]
}

export const matchesEverything = ({ attemptsMin, worker, payload }: JobMatch): boolean =>
  attemptsMin === null && worker === null && payload.length === 0

/** Texts that the columns of every matching job have: most others need not be parsed. */
export function needlesOf({ worker, payload }: JobMatch): { record: string | null; payload: string | null } {
  const inPayload = payload.map(({ value }) => JSON.stringify(value).slice(1, -1))
  return {
    record: worker === null ? null : JSON.stringify(worker),
    payload: inPayload.toSorted((one, other) => other.length - one.length)[0] ?? null,
  }
}

/** @param payload the payload's JSON */
export function isMatch(job: JobSummary, payload: string, match: JobMatch): boolean {
  const { attempts } = job
  if (match.attemptsMin !== null && (attempts.at(-1)?.attempt ?? 0) < match.attemptsMin) return false
  if (match.worker !== null && attempts.every(({ worker_id }) => worker_id !== match.worker)) return false
  if (match.payload.length === 0) return true
  const document = JSON.parse(payload) as unknown
  return match.payload.every(({ pointer, value }) => isText(valueAt(document, pointer), value))
}

/** Whether a value is this text, or a number, true, false or null that is written so. */
const isText = (value: unknown, text: string): boolean =>
  typeof value === 'string'
    ? value === text
    : typeof value !== 'object' || value === null
      ? String(value) === text
      : false
