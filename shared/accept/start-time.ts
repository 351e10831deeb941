import { DELAY_MAX_MS } from '#shared/contracts/log/limits.ts'
import { AppError } from '#shared/errors/app-error.ts'

export interface StartTime {
  delay_ms?: number | undefined
  run_at?: string | undefined
}

/**
 * When a job may start, milliseconds since 1970; null: now.
 * @throws AppError `invalid-request` when both members are given, or the time is too far ahead
 */
export function startTimeMs({ delay_ms: delayMs, run_at: runAt }: StartTime, nowMs: number): number | null {
  if (delayMs !== undefined && runAt !== undefined) {
    throw invalid('/run_at', 'cannot be combined with delay_ms')
  }
  const dueMs = runAt === undefined ? nowMs + (delayMs ?? 0) : Date.parse(runAt)
  // The negation also refuses NaN, which is never "now".
  if (!(dueMs <= nowMs + DELAY_MAX_MS)) throw invalid('/run_at', `must be at most ${DELAY_MAX_MS} ms from now`)
  return dueMs > nowMs ? dueMs : null
}

const invalid = (pointer: string, detail: string): AppError =>
  new AppError('invalid-request', `${pointer.slice(1)} ${detail}.`, { members: { errors: [{ pointer, detail }] } })
