import type { CancelJobsBody, CancelJobsResult } from '#shared/contracts/http/cancel-jobs.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import type { StoreAgeDeps } from '#shared/read-store/store-age.ts'
import { cancelJob } from './cancel-job.ts'
import { changeMany } from './change-many.ts'
import type { NextEventDeps } from './next-event.ts'

/**
 * Cancels the jobs that match the filters and have not ended, newest first. What was accepted after `as_of` may be
 * missing.
 * @throws AppError `invalid-request`, `unavailable`
 */
export async function cancelJobs(
  deps: NextEventDeps & StoreAgeDeps,
  body: CancelJobsBody,
  request: RequestInfo,
): Promise<CancelJobsResult> {
  const { reason, dry_run: isDry, limit, cursor, ...filter } = body
  const cancel = (jobId: string) => cancelJob(deps, jobId, { reason }, request)
  const { changed, ...result } = await changeMany(deps, { filter, limit, cursor, isDry }, request, cancel)
  return { ...result, cancelled: changed }
}
