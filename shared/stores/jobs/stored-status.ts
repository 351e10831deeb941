import type { SearchStatus } from '#shared/contracts/http/job-list.ts'
import { JOB_STATUSES, type Job, type JobStatus, statusOf } from '#shared/contracts/log/job.ts'

/** Statuses as the stores search and count them: those that callers see, and the two ways in which a timeout ends a job. */
export const STORED_STATUSES = [...JOB_STATUSES, 'failed_timeout', 'cancelled_timeout'] as const
export type StoredStatus = (typeof STORED_STATUSES)[number]

export function storedStatusOf({ phase, reason }: Pick<Job, 'phase' | 'reason'>): StoredStatus {
  const status = statusOf(phase)
  return reason === 'timeout' && (status === 'failed' || status === 'cancelled') ? `${status}_timeout` : status
}

/** The status that callers see. */
export const shownStatus = (stored: StoredStatus): JobStatus =>
  stored === 'failed_timeout' ? 'failed' : stored === 'cancelled_timeout' ? 'cancelled' : stored

/** Everything that a search for these statuses finds. */
export const storedStatusesOf = (searched: readonly SearchStatus[]): StoredStatus[] =>
  STORED_STATUSES.filter((stored) =>
    searched.some((each) => (each === 'timeout' ? stored.endsWith('_timeout') : each === shownStatus(stored))),
  )
