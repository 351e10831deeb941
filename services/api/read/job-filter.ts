import type { Caller } from '#shared/auth/caller.ts'
import type { JobFilter } from '#shared/contracts/http/job-list.ts'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import { AFTER_EVERY_ID, AFTER_EVERY_TIME, type JobQuery } from '#shared/stores/jobs/job-store.ts'
import { storedStatusesOf } from '#shared/stores/jobs/stored-status.ts'
import { isoTime } from '#shared/time/clock.ts'

/** A search of the store, independent of the page. */
export type JobSearch = Omit<JobQuery, 'limit'>

/**
 * The search for a filter. Times are those in the ids: for a job created by a repeated Idempotency-Key, the time of its
 * first request.
 */
export const toSearch = (filter: JobFilter, { tenant }: Pick<Caller, 'tenant'>): JobSearch => ({
  statuses: filter.status === undefined ? null : storedStatusesOf(filter.status),
  type: filter.type ?? null,
  objectId: filter.object_id ?? null,
  tenant,
  tag: filter.tag ?? null,
  ...endRange(filter),
  fromId: filter.created_after === undefined ? '' : firstIdAt(filter.created_after),
  belowId: filter.created_before === undefined ? AFTER_EVERY_ID : firstIdAt(filter.created_before),
})

/** Both bounds leave out jobs that have not ended: their time of the end sorts before every time. */
const endRange = ({ ended_after: after, ended_before: before }: JobFilter) => ({
  endedFrom: after !== undefined ? utc(after) : before === undefined ? '' : BEFORE_EVERY_TIME,
  endedBelow: before === undefined ? AFTER_EVERY_TIME : utc(before),
})

/** Sorts before every ISO time, and after ''. */
const BEFORE_EVERY_TIME = ' '

const utc = (time: string): string => isoTime(Date.parse(time))

/** The last time that an id can hold, in the year 3084. */
const LAST_MS = 32 ** 9 - 1

const firstIdAt = (time: string): string => makeJobId(Math.min(Math.max(Date.parse(time), 0), LAST_MS), '')
