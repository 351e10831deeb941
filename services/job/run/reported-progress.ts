import { messageOf, textOf } from '#shared/errors/foreign.ts'
import { jsonOf } from '#shared/errors/foreign-json.ts'

/** A handler's progress in the form in which it may be stored. */
export interface ReportedProgress {
  /** 0 to 100. */
  percent: number
  message: string | null
  data: unknown
}

const MESSAGE_MAX_LENGTH = 1_000
const DATA_MAX_BYTES = 16 * 1024

/**
 * The current value of the arguments of `progress`, whatever they are: the handler may change its data later.
 * @returns null where the percentage is no number; data that is too large or too deep becomes null
 * @throws TypeError to the handler, for data that is no JSON
 */
export function reportedProgress(percent: unknown, message: unknown, data: unknown): ReportedProgress | null {
  if (typeof percent !== 'number' || !Number.isFinite(percent)) return null
  const kept = jsonOf(data ?? null, DATA_MAX_BYTES)
  if (kept.kind === 'not_json') {
    throw new TypeError(`the data of a progress report is no JSON: ${messageOf(kept.thrown)}`, { cause: kept.thrown })
  }
  return {
    percent: Math.min(100, Math.max(0, percent)),
    message: message === undefined || message === null ? null : textOf(message, MESSAGE_MAX_LENGTH),
    data: kept.kind === 'json' ? (JSON.parse(kept.json) as unknown) : null,
  }
}
