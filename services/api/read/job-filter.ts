import type { Caller } from '#shared/auth/caller.ts'
import type { JobFilter } from '#shared/contracts/http/job-list.ts'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import { AFTER_EVERY_ID, type JobQuery } from '#shared/stores/jobs/job-store.ts'

/** A search of the store, independent of the page. */
export type JobSearch = Omit<JobQuery, 'limit'>

/**
 * The search for a filter. Times are those in the ids: for a job created by a repeated Idempotency-Key, the time of its
 * first request.
 */
export const toSearch = (filter: JobFilter, { tenant }: Pick<Caller, 'tenant'>): JobSearch => ({
  statuses: filter.status === undefined ? null : [...new Set(filter.status)].toSorted(),
  type: filter.type ?? null,
  objectId: filter.object_id ?? null,
  tenant,
  fromId: filter.created_after === undefined ? '' : firstIdAt(filter.created_after),
  belowId: filter.created_before === undefined ? AFTER_EVERY_ID : firstIdAt(filter.created_before),
})

/** The last time that an id can hold, in the year 3084. */
const LAST_MS = 32 ** 9 - 1

const firstIdAt = (time: string): string => makeJobId(Math.min(Math.max(Date.parse(time), 0), LAST_MS), '')
