import { expect } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import { getFrom } from '../support/call.ts'
import type { Load } from '../support/load.ts'

const AT_ONCE = 5

/** The job as it ended. */
export async function untilEnded(
  url: string,
  jobId: string,
  timeoutMs = 30_000,
  headers: Record<string, string> = {},
): Promise<JobView> {
  let seen: JobView | undefined
  const isEnded = async () => {
    const { status, body } = await getFrom(`${url}/${jobId}`, headers)
    seen = body as JobView
    return status === 200 && seen.status !== 'processing'
  }
  await expect.poll(isEnded, { timeout: timeoutMs, interval: 250, message: `${jobId} has not ended` }).toBe(true)
  return seen as JobView
}

/** All of them as they ended; reads some at a time. */
export async function untilAllEnded(
  url: string,
  ids: readonly string[],
  headers: Record<string, string> = {},
): Promise<JobView[]> {
  const jobs: JobView[] = []
  const left = [...ids]
  const read = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift())
      jobs.push(await untilEnded(url, id, 60_000, headers))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, read))
  return jobs
}

/** How many of them ended how. */
export async function howAllEnded(url: string, ids: readonly string[]): Promise<Record<string, number>> {
  const jobs = await untilAllEnded(url, ids)
  return Object.fromEntries(
    [...Map.groupBy(jobs, ({ status }) => status)].map(([status, list]) => [status, list.length]),
  )
}

/** Resolves when so many more requests have been answered: what comes next then meets what the last step changed. */
export async function morePosts(load: Load, count: number): Promise<void> {
  const wanted = load.posts.length + count
  await expect.poll(() => load.posts.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(wanted)
}
