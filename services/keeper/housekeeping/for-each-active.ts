import type { Job } from '#shared/contracts/log/job.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'

const PAGE = 500

/** Visits every job in the phases whose last event is older, in pages. */
export async function forEachActive(
  store: JobStore,
  query: { phases: Job['phase'][]; updatedBefore: string },
  look: (job: Job) => Promise<void>,
): Promise<void> {
  for (let afterId = ''; ; ) {
    const page = await store.listActive({ ...query, afterId, limit: PAGE })
    for (const { job } of page) await look(job)
    const last = page.at(-1)
    if (last === undefined) return
    afterId = last.job.job_id
    // The embedded store answers without ever yielding: requests get their turn here.
    await new Promise((resolve) => setImmediate(resolve))
  }
}
