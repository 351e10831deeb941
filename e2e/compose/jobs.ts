import { expect } from 'vitest'
import type { JobView } from '#shared/contracts/http.ts'
import { getFrom } from '../support/call.ts'
import type { Load } from '../support/load.ts'

const AT_ONCE = 20

/** The job as it ended. */
export async function untilEnded(url: string, jobId: string, timeoutMs = 30_000): Promise<JobView> {
  const read = async () => (await getFrom(`${url}/${jobId}`)).body
  await expect.poll(async () => (await read())['status'], { timeout: timeoutMs, interval: 250 }).not.toBe('processing')
  return (await read()) as JobView
}

/** How many of the accepted jobs ended how; reads them all, some at a time. */
export async function howAllEnded(url: string, ids: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const left = [...ids]
  const read = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const { status } = await untilEnded(url, id, 60_000)
      counts[status] = (counts[status] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, read))
  return counts
}

/** Resolves when so many more requests have been answered: what comes next then meets what the last step changed. */
export async function morePosts(load: Load, count: number): Promise<void> {
  const wanted = load.posts.length + count
  await expect.poll(() => load.posts.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(wanted)
}
