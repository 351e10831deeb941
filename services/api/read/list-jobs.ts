import type { Caller } from '#shared/auth/caller.ts'
import type { ListJobsQuery } from '#shared/contracts/http/job-list.ts'
import type { JobSummary } from '#shared/contracts/log/job.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { makeCursor, readCursor } from '#shared/http/cursor.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { type JobSearch, toSearch } from './job-filter.ts'

export interface ListJobsDeps {
  store: JobStore
}

/**
 * A page of the jobs that the caller may see, newest first, as the store has them: a job accepted a moment ago may be
 * missing.
 * @throws AppError `invalid-request` for a cursor of another search; `unavailable`
 */
export async function listJobs(
  deps: ListJobsDeps,
  { cursor, limit, ...filter }: ListJobsQuery,
  caller: Caller,
): Promise<{ jobs: JobSummary[]; nextCursor: string | null }> {
  const search = toSearch(filter, caller)
  const belowId = cursor === undefined ? search.belowId : readCursor(search, cursor)
  // One more than requested shows whether there is another page.
  const found = await readUpTo(deps.store, { ...search, belowId }, limit + 1)
  const jobs = found.slice(0, limit)
  const last = jobs.at(-1)
  return { jobs, nextCursor: found.length > limit && last !== undefined ? makeCursor(search, last.job_id) : null }
}

/** Number of jobs that are read before other requests get their turn: a page of the default length is one slice. */
const SLICE = 64

async function readUpTo(store: JobStore, search: JobSearch, count: number): Promise<JobSummary[]> {
  const found: JobSummary[] = []
  for (let belowId = search.belowId; ; ) {
    const limit = Math.min(SLICE, count - found.length)
    const slice = await store.list({ ...search, belowId, limit }).catch((error: unknown) => {
      throw unavailable('The store cannot be read at the moment. Try again.', error)
    })
    found.push(...slice)
    const last = slice.at(-1)
    if (last === undefined || slice.length < limit || found.length === count) return found
    belowId = last.job_id
    // The embedded store answers without ever yielding: other requests get their turn here.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
