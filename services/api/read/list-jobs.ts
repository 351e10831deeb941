import type { Caller } from '#shared/auth/caller.ts'
import type { ListJobsQuery } from '#shared/contracts/http/job-list.ts'
import type { JobSummary } from '#shared/contracts/log/job.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import { makeCursor, readCursor } from '#shared/http/cursor.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { matchesEverything } from '#shared/stores/jobs/match.ts'
import { type JobSearch, toMatch, toSearch } from './job-filter.ts'
import { scannedTo, searchOn } from './search-on.ts'

export interface ListJobsDeps {
  store: Pick<JobStore, 'list' | 'search'>
}

interface Page {
  jobs: JobSummary[]
  nextCursor: string | null
  /** Jobs that were created before this time were not looked at; null: an index found these, or there are none. */
  scannedTo: string | null
}

/**
 * A page of the jobs that the caller may see, newest first, as the store has them: a job accepted a moment ago may be
 * missing. A search by conditions that no index knows may have an empty page and a cursor: it stops after a while.
 * @throws AppError `invalid-request` for a cursor of another search; `unavailable`
 */
export async function listJobs(
  deps: ListJobsDeps,
  { cursor, limit, ...filter }: ListJobsQuery,
  caller: Caller,
): Promise<Page> {
  const search = toSearch(filter, caller)
  const match = toMatch(filter)
  const isIndexed = matchesEverything(match)
  const place = isIndexed ? search : { ...search, ...match }
  const belowId = cursor === undefined ? search.belowId : readCursor(place, cursor)
  if (!isIndexed) {
    const { jobs, lastId } = await searchOn(deps.store, { ...search, belowId }, match, limit)
    return { jobs, nextCursor: lastId === null ? null : makeCursor(place, lastId), scannedTo: scannedTo(lastId) }
  }
  // One more than requested shows whether there is another page.
  const found = await readUpTo(deps.store, { ...search, belowId }, limit + 1)
  const jobs = found.slice(0, limit)
  const last = jobs.at(-1)
  const isMore = found.length > limit && last !== undefined
  return { jobs, nextCursor: isMore ? makeCursor(place, last.job_id) : null, scannedTo: null }
}

/** Number of jobs that are read before other requests get their turn: a page of the default length is one slice. */
const SLICE = 64

async function readUpTo(store: Pick<JobStore, 'list'>, search: JobSearch, count: number): Promise<JobSummary[]> {
  const found: JobSummary[] = []
  for (let belowId = search.belowId; ; ) {
    const limit = Math.min(SLICE, count - found.length)
    const slice = await store.list({ ...search, belowId, limit }).catch(cannotRead('The store'))
    found.push(...slice)
    const last = slice.at(-1)
    if (last === undefined || slice.length < limit || found.length === count) return found
    belowId = last.job_id
    // The embedded store answers without ever yielding: other requests get their turn here.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
