import type { Caller } from '#shared/auth/caller.ts'
import type { JobFilter } from '#shared/contracts/http/job-list.ts'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import { effectiveTenant } from '#shared/http/effective-tenant.ts'
import { AFTER_EVERY_ID, AFTER_EVERY_TIME, type JobQuery } from '#shared/stores/jobs/job-store.ts'
import type { JobMatch } from '#shared/stores/jobs/match.ts'
import { storedStatusesOf } from '#shared/stores/jobs/stored-status.ts'
import { isoTime } from '#shared/time/clock.ts'

/** A search of the store, independent of the page. */
export type JobSearch = Omit<JobQuery, 'limit'>

/** The conditions of a filter that no index knows. */
export const toMatch = ({ attempts_min: attemptsMin, worker, payload }: JobFilter): JobMatch => ({
  attemptsMin: attemptsMin ?? null,
  worker: worker ?? null,
  payload: Object.entries(payload ?? {}).map(([pointer, value]) => ({ pointer, value: String(value) })),
})

/**
 * The part of a filter that an index answers. Times are those in the ids: for a job created by a repeated
 * Idempotency-Key, the time of its first request.
 * @throws AppError `invalid-request` for a tenant that is not the caller's
 */
export const toSearch = (filter: JobFilter, caller: Caller): JobSearch => ({
  statuses: filter.status === undefined ? null : storedStatusesOf(filter.status),
  type: filter.type ?? null,
  objectId: filter.object_id ?? null,
  tenant: effectiveTenant(caller, filter.tenant),
  tag: filter.tag ?? null,
  error: filter.error ?? null,
  ...endRange(filter),
  ...idRange(filter),
})

function idRange({ created_after: after, created_before: before, id_prefix: prefix = '' }: JobFilter) {
  const fromId = after === undefined ? '' : firstIdAt(after)
  const belowId = before === undefined ? AFTER_EVERY_ID : firstIdAt(before)
  const afterPrefix = prefix + AFTER_EVERY_ID
  return { fromId: prefix > fromId ? prefix : fromId, belowId: afterPrefix < belowId ? afterPrefix : belowId }
}

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
