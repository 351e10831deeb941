import type { JobFilter } from '#shared/contracts/http/job-list.ts'
import type { ManyJobsResult } from '#shared/contracts/http/many-jobs.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { type StoreAgeDeps, storeAge } from '#shared/read-store/store-age.ts'
import { SECOND } from '#shared/time/clock.ts'
import { type ListJobsDeps, listJobs } from '../read/list-jobs.ts'

const PAGE = 100
const IDS_SHOWN = 100
/** Time after which one call stops, well under nginx's read timeout: the answer then says where to continue. */
const ENOUGH_MS = 20 * SECOND

export interface ManyJobs {
  filter: JobFilter
  /** Most jobs of this call. */
  limit: number
  /** Where an earlier call ended. */
  cursor: string | undefined
  isDry: boolean
}

/** The members that every answer about many jobs has, and how many of them were changed. */
export type ManyChanged = ManyJobsResult & { changed: number }

/**
 * Changes the jobs that match the filter, newest first, page by page.
 * @param change makes the change; `n` counts the jobs from 0. A refusal, as where the job has changed in the meantime,
 *   passes the job over.
 * @throws AppError `invalid-request` for a cursor of another search; `unavailable`, also where a part of the first page
 *   was changed: a repeated call then changes the rest
 */
export async function changeMany(
  deps: ListJobsDeps & StoreAgeDeps,
  { filter, limit, cursor: firstCursor, isDry }: ManyJobs,
  { caller }: RequestInfo,
  change: (jobId: string, n: number) => Promise<unknown>,
): Promise<ManyChanged> {
  const startedMs = deps.clock.monotonic()
  const age = await storeAge(deps)
  const ids: string[] = []
  let changed = 0
  let cursor: string | null | undefined = firstCursor
  do {
    const left = Math.min(PAGE, limit - ids.length)
    const page = await listJobs(deps, { ...filter, ...(cursor === undefined ? {} : { cursor }), limit: left }, caller)
    const results = isDry
      ? []
      : await Promise.allSettled(page.jobs.map(({ job_id }, n) => isDone(change(job_id, ids.length + n))))
    changed += results.filter((result) => result.status === 'fulfilled' && result.value).length
    const failed = results.find((result) => result.status === 'rejected')
    // Without a cursor no answer could say that this page is not done.
    if (failed !== undefined && (changed === 0 || cursor === undefined)) throw failed.reason
    ids.push(...page.jobs.filter((_, n) => results[n]?.status !== 'rejected').map(({ job_id }) => job_id))
    // The answer counts the jobs that were changed; the next request begins with this page again.
    if (failed !== undefined) break
    cursor = page.nextCursor
  } while (cursor !== null && ids.length < limit && deps.clock.monotonic() - startedMs < ENOUGH_MS)
  return {
    ...age,
    dry_run: isDry,
    matched: ids.length,
    changed,
    skipped: isDry ? 0 : ids.length - changed,
    job_ids: ids.slice(0, IDS_SHOWN),
    next_cursor: cursor ?? null,
  }
}

/** @returns false where the change was refused */
async function isDone(changing: Promise<unknown>): Promise<boolean> {
  try {
    await changing
    return true
  } catch (error) {
    if (error instanceof AppError && error.status < 500) return false
    throw error
  }
}
