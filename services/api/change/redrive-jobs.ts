import { startTimeMs } from '#shared/accept/start-time.ts'
import type { RedriveBody, RedriveResult } from '#shared/contracts/http/redrive.ts'
import type { RequestInfo } from '#shared/http/request-info.ts'
import type { StoreAgeDeps } from '#shared/read-store/store-age.ts'
import { isoTime, SECOND } from '#shared/time/clock.ts'
import { changeMany } from './change-many.ts'
import { type RetryJobDeps, retryJob } from './retry-job.ts'

/**
 * Retries the jobs that match the filters, newest first. The broker's timers keep the rate: each job gets its own start
 * time now, so that neither a restart nor a lost connection leaves anything half done.
 * @throws AppError `invalid-request`, `unavailable`
 */
export async function redriveJobs(
  deps: RetryJobDeps & StoreAgeDeps,
  body: RedriveBody,
  request: RequestInfo,
): Promise<RedriveResult> {
  const { rate_per_s: ratePerS, run_at: runAt, dry_run: isDry, limit, cursor, ...filter } = body
  const beginMs = startTimeMs({ run_at: runAt }, deps.clock.now()) ?? deps.clock.now()
  const startOf = (n: number) => isoTime(beginMs + (ratePerS === undefined ? 0 : (n * SECOND) / ratePerS))
  const retry = (jobId: string, n: number) => retryJob(deps, jobId, { run_at: startOf(n) }, request)
  const { changed, ...result } = await changeMany(deps, { filter, limit, cursor, isDry }, request, retry)
  return { ...result, retried: changed, next_run_at: startOf(result.matched) }
}
