import { jobIdTimeMs } from '#shared/contracts/log/job-id.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import type { JobStore, SearchPart } from '#shared/stores/jobs/job-store.ts'
import type { JobMatch } from '#shared/stores/jobs/match.ts'
import { isoTime } from '#shared/time/clock.ts'
import type { JobSearch } from './job-filter.ts'

/** How long a search without an index may look for more, and at how many jobs. */
const ENOUGH_MS = 25
const ENOUGH_JOBS = 100_000
/** Jobs that are looked at before other requests get their turn: some milliseconds. */
const SLICE = 500

/**
 * Looks for matching jobs from a place on, newest first, until there are enough, or until it has looked for long enough.
 * @returns the last job that was looked at; null: there are no more
 * @throws AppError `unavailable`
 */
export async function searchOn(
  store: Pick<JobStore, 'search'>,
  search: JobSearch,
  match: JobMatch,
  count: number,
): Promise<SearchPart> {
  const startedMs = performance.now()
  const jobs: SearchPart['jobs'] = []
  for (let belowId = search.belowId, looked = 0; ; looked += SLICE) {
    const part = await store.search({ ...search, belowId, limit: SLICE }, match).catch(cannotRead('The store'))
    jobs.push(...part.jobs)
    // Those that do not fit come with the next page, which begins behind the last one shown.
    const lastShown = jobs.length > count ? jobs[count - 1] : undefined
    if (lastShown !== undefined) return { jobs: jobs.slice(0, count), lastId: lastShown.job_id }
    const isEnough = looked >= ENOUGH_JOBS || performance.now() - startedMs >= ENOUGH_MS
    if (part.lastId === null || isEnough) return { jobs, lastId: part.lastId }
    belowId = part.lastId
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** The time before which a search did not look; null: it has looked at all jobs. */
export const scannedTo = (lastId: string | null): string | null =>
  lastId === null ? null : isoTime(jobIdTimeMs(lastId))
