import { startTimeMs } from '#shared/accept/start-time.ts'
import type { RedriveBody, RedriveResult } from '#shared/contracts/http/redrive.ts'
import { AppError } from '#shared/errors/app-error.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import { isoTime, SECOND } from '#shared/time/clock.ts'
import { listJobs } from '../read/list-jobs.ts'
import { type RetryJobDeps, retryJob } from './retry-job.ts'

const PAGE = 100
const IDS_SHOWN = 100
/** Time after which one call stops, well under nginx's read timeout: the answer then says where to continue. */
const ENOUGH_MS = 20 * SECOND

/**
 * Retries the jobs that match the filters, newest first. The broker's timers keep the rate: each job gets its own start
 * time now, so that neither a restart nor a lost connection leaves anything half done.
 * @throws AppError `unknown-type`, `invalid-request`, `unavailable`
 */
export async function redriveJobs(deps: RetryJobDeps, body: RedriveBody, request: RequestInfo): Promise<RedriveResult> {
  const { rate_per_s: ratePerS, run_at: runAt, dry_run: isDry, limit, cursor: firstCursor, ...filter } = body
  const startedMs = deps.clock.monotonic()
  const beginMs = startTimeMs({ run_at: runAt }, deps.clock.now()) ?? deps.clock.now()
  const ids: string[] = []
  let retried = 0
  let cursor: string | null | undefined = firstCursor
  const startOf = (n: number) => beginMs + (ratePerS === undefined ? 0 : (n * SECOND) / ratePerS)
  do {
    const left = Math.min(PAGE, limit - ids.length)
    const page = await listJobs(
      deps,
      { ...filter, ...(cursor === undefined ? {} : { cursor }), limit: left },
      request.caller,
    )
    const results = isDry
      ? []
      : await Promise.allSettled(
          page.jobs.map(({ job_id }, n) => retryOne(deps, job_id, isoTime(startOf(ids.length + n)), request)),
        )
    retried += results.filter((result) => result.status === 'fulfilled' && result.value).length
    const failed = results.find((result) => result.status === 'rejected')
    // The answer reports the jobs that were retried; the next request begins with this page again.
    if (failed !== undefined && retried > 0) break
    if (failed !== undefined) throw failed.reason
    ids.push(...page.jobs.map(({ job_id }) => job_id))
    cursor = page.nextCursor
  } while (cursor !== null && ids.length < limit && deps.clock.monotonic() - startedMs < ENOUGH_MS)
  return {
    dry_run: isDry,
    matched: ids.length,
    retried,
    skipped: isDry ? 0 : ids.length - retried,
    job_ids: ids.slice(0, IDS_SHOWN),
    next_cursor: cursor ?? null,
    next_run_at: isoTime(startOf(ids.length)),
  }
}

/** @returns false where the job cannot be retried: it changed in the meantime, or its type is gone */
async function retryOne(deps: RetryJobDeps, jobId: string, runAt: string, request: RequestInfo): Promise<boolean> {
  try {
    await retryJob(deps, jobId, { run_at: runAt }, request)
    return true
  } catch (error) {
    if (error instanceof AppError && error.status < 500) return false
    throw error
  }
}
