import type { Caller } from '#shared/auth/caller.ts'
import type { JobCount, JobFilter, StoreAge } from '#shared/contracts/http/job-list.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { matchesEverything } from '#shared/stores/jobs/match.ts'
import { toMatch, toSearch } from './job-filter.ts'
import { scannedTo, searchOn } from './search-on.ts'

export interface CountMatchingDeps {
  store: Pick<JobStore, 'count' | 'search'>
}

/** Counting stops here: nobody reads a larger number, and it would cost more with every job that there is. */
const COUNTED_MAX = 10_000

/**
 * Counts the jobs that match a filter and that the caller may see.
 * @throws AppError `invalid-request` for a tenant that is not the caller's; `unavailable`
 */
export async function countMatching(
  { store }: CountMatchingDeps,
  filter: JobFilter,
  caller: Caller,
): Promise<Omit<JobCount, keyof StoreAge>> {
  const search = toSearch(filter, caller)
  const match = toMatch(filter)
  if (matchesEverything(match)) {
    const count = await store.count({ ...search, limit: COUNTED_MAX + 1 }).catch(cannotRead('The store'))
    return { count: Math.min(count, COUNTED_MAX), capped: count > COUNTED_MAX, scanned_to: null }
  }
  const { jobs, lastId } = await searchOn(store, search, match, COUNTED_MAX)
  return { count: jobs.length, capped: lastId !== null, scanned_to: scannedTo(lastId) }
}
