import type { Caller } from '#shared/auth/caller.ts'
import type { JobStats, StoreAge } from '#shared/contracts/http/job-list.ts'
import { JOB_STATUSES, type JobStatus } from '#shared/contracts/log/job.ts'
import { cannotRead } from '#shared/errors/app-error.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { shownStatus } from '#shared/stores/jobs/stored-status.ts'

export interface CountJobsDeps {
  store: JobStore
}

/**
 * Counts the jobs in the store that the caller may see, by status and by type.
 * @throws AppError `unavailable`
 */
export async function countJobs(
  { store }: CountJobsDeps,
  { tenant }: Pick<Caller, 'tenant'>,
): Promise<Omit<JobStats, keyof StoreAge>> {
  const counts = await store.counts(tenant).catch(cannotRead('The store'))
  const byStatus = Object.fromEntries(JOB_STATUSES.map((status) => [status, 0])) as Record<JobStatus, number>
  const byType = new Map<string, Partial<Record<JobStatus, number>>>()
  let total = 0
  for (const { type, status, count } of counts) {
    total += count
    const shown = shownStatus(status)
    const ofType = byType.get(type) ?? {}
    byStatus[shown] += count
    byType.set(type, { ...ofType, [shown]: (ofType[shown] ?? 0) + count })
  }
  return { total, by_status: byStatus, by_type: Object.fromEntries(byType) }
}
