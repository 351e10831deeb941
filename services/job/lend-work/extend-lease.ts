import { readLease } from '#shared/accept/lease.ts'
import type { ExtendedLease } from '#shared/contracts/http/work.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { isoTime, SECOND } from '#shared/time/clock.ts'
import { type ReportedProgress, reportedProgress } from '../run/reported-progress.ts'
import type { LentAttempt, Report } from './lent-attempt.ts'
import { type SettleDeps, seeAttempt } from './settle-lease.ts'
import { appendToLent, type Over } from './settle-lent.ts'

/** While more than this share of a lease is left, an extension alone is not stored. */
const STORED_BELOW = 1 / 2
/** At most one report a second is stored; among faster ones the latest wins. */
export const REPORT_EVERY_MS = 1 * SECOND

export interface Extension {
  lease: string
  leaseMs: number
  progress: { percent: number; message?: string | undefined; data?: unknown } | null
}

export interface ExtendDeps extends SettleDeps {
  timeOut(attempt: LentAttempt): Promise<void>
}

/**
 * Moves the end of a lease, and tells the worker whether it should go on.
 * @throws AppError `unavailable`
 */
export async function extendLease(deps: ExtendDeps, { lease, leaseMs, progress }: Extension): Promise<ExtendedLease> {
  const token = readLease(lease)
  if (token === null) return { lease, job_id: null, status: 'invalid' }
  const about = { lease, job_id: token.job_id }
  try {
    const seen = await seeAttempt(deps, token)
    if (seen.kind === 'over') return { ...about, ...stopFor(seen) }
    const { attempt } = seen
    if (deps.clock.now() >= attempt.lease.deadlineMs) {
      await deps.timeOut(attempt)
      return { ...about, status: 'cancel', reason: 'timeout' }
    }
    const over = await moveLease(deps, attempt, leaseMs, reportOf(progress))
    if (over === null) return { ...about, status: 'ok', lease_until: isoTime(attempt.lease.untilMs) }
    deps.table.superseded(attempt, over.isEnd)
    return { ...about, ...stopFor(over) }
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid-lease') return { lease, job_id: null, status: 'invalid' }
    throw error
  }
}

/** @returns null when the attempt may go on */
export async function moveLease(
  deps: ExtendDeps,
  attempt: LentAttempt,
  leaseMs: number,
  reported: Report | null,
): Promise<Over | null> {
  const now = deps.clock.now()
  attempt.unstored = reported ?? attempt.unstored
  const isReportDue = attempt.unstored !== null && deps.clock.monotonic() - attempt.storedReportMs >= REPORT_EVERY_MS
  const isShort = attempt.lease.untilMs - now < leaseMs * STORED_BELOW
  const canMove = attempt.lease.untilMs < attempt.lease.deadlineMs
  if (!isReportDue && !(isShort && canMove)) return null
  const unstored = attempt.unstored
  const result = await appendToLent(deps, attempt, () =>
    attempt.extension(
      Math.max(attempt.lease.untilMs, Math.min(now + leaseMs, attempt.lease.deadlineMs)),
      unstored ?? attempt.report,
    ),
  )
  if (result.kind === 'over') return result
  if (unstored === null) return null
  if (attempt.unstored === unstored) attempt.unstored = null
  attempt.storedReportMs = deps.clock.monotonic()
  return null
}

function reportOf(progress: Extension['progress']): Report | null {
  if (progress === null) return null
  return reportedProgress(progress.percent, progress.message, progress.data) satisfies ReportedProgress | null
}

const stopFor = ({ by }: Over): Pick<ExtendedLease, 'status' | 'reason'> => {
  const reason = by !== null && 'reason' in by && typeof by.reason === 'string' ? by.reason : undefined
  const isCancel = by?.event === 'job:cancelled' || reason === 'timeout'
  return isCancel ? { status: 'cancel', ...(reason === undefined ? {} : { reason }) } : { status: 'superseded' }
}
