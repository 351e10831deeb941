import { isSecretOf, type LeaseToken, readLease } from '#shared/accept/lease.ts'
import type { SettledWork, Settlement } from '#shared/contracts/http/work.ts'
import { AppError } from '#shared/errors/app-error.ts'
import { describeThrown } from '#shared/errors/foreign.ts'
import type { AttemptEnd } from '../run/outcome.ts'
import { returned } from '../run/run-handler.ts'
import type { LendDeps } from './lend-deps.ts'
import type { LentTable } from './lent-table.ts'
import { findAttempt, notOurs, publishEnd, type Seen } from './settle-lent.ts'
import { statusAfter, whatBecame } from './what-became.ts'

export type SettleDeps = LendDeps & { table: LentTable }

/**
 * Stores how an attempt ended.
 * @throws AppError `unavailable`
 */
export async function settleLease(deps: SettleDeps, item: Settlement): Promise<SettledWork> {
  const { lease } = item
  const token = readLease(lease)
  const invalid = { lease, job_id: null, status: 'invalid', detail: 'This is not a lease of this server.' } as const
  if (token === null) return invalid
  const about = { lease, job_id: token.job_id }
  try {
    deps.workers.saw(token.worker_id)
    const seen = await seeAttempt(deps, token)
    if (seen.kind === 'over') return { ...about, ...(await whatBecame(deps, token, item, seen.isEnd)) }
    const { attempt } = seen
    const stored = await publishEnd(deps, attempt, endOf(item))
    if ('outcome' in stored) {
      deps.table.ended(attempt, stored.outcome, item.release?.delay_ms)
      return { ...about, status: statusAfter(stored.event) }
    }
    deps.table.superseded(attempt, stored.isEnd)
    return { ...about, ...(await whatBecame(deps, token, item, stored.isEnd)) }
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid-lease') return invalid
    throw error
  }
}

/** The attempt of a lease: the one that this process vouches for, or as the log has it. */
export async function seeAttempt(deps: SettleDeps, token: LeaseToken): Promise<Seen> {
  const mine = deps.table.get(token.job_id)
  const isMine =
    mine?.attempt.seq === token.seq &&
    mine.attempt.attempt === token.attempt &&
    mine.run.delivery.seq === token.trigger &&
    mine.run.spec.type === token.type &&
    mine.run.spec.priority === token.priority
  if (!isMine) return findAttempt(deps, token)
  if (!isSecretOf(mine.lease.hash, token.secret)) throw notOurs()
  return { kind: 'live', attempt: mine }
}

function endOf({ complete, fail }: Settlement): AttemptEnd {
  if (complete !== undefined) return returned(complete.result ?? null)
  if (fail === undefined) return { kind: 'drain', isSuspect: false }
  const { name = 'Error', message, code } = fail.error
  const isPermanent = fail.retry === false
  return {
    kind: 'threw',
    error: describeThrown({ name, message, code }),
    permanent: isPermanent,
    reason: isPermanent ? 'permanent' : 'attempts_exhausted',
    delayMs: fail.retry === undefined || fail.retry === false ? null : fail.retry.delay_ms,
  }
}
