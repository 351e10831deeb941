import { expect, vi } from 'vitest'
import type { JobList, JobStats } from '#shared/contracts/http/job-list.ts'
import { type ApiAnswer, getFrom } from '../support/call.ts'
import type { Hasty } from '../support/hasty.ts'

/** A page, by its query. */
export async function listJobs(
  hasty: Pick<Hasty, 'url'>,
  query: string,
): Promise<JobList & Pick<ApiAnswer, 'headers'>> {
  const { status, headers, body } = await getFrom(`${hasty.url}/v1/jobs?${query}`)
  expect({ status, detail: body['detail'] }).toEqual({ status: 200, detail: undefined })
  return { ...(body as unknown as JobList), headers }
}

/** Follows `next_cursor` to the end; `between` runs after each page. */
export async function listAll(
  hasty: Pick<Hasty, 'url'>,
  query: string,
  between: () => Promise<unknown> = async () => {},
): Promise<string[][]> {
  const pages: string[][] = []
  let cursor: string | null = null
  do {
    const page: JobList = await listJobs(hasty, cursor === null ? query : `${query}&cursor=${cursor}`)
    pages.push(page.items.map((each) => each.job_id))
    cursor = page.next_cursor
    await between()
  } while (cursor !== null)
  return pages
}

export async function readStats(hasty: Pick<Hasty, 'url'>): Promise<JobStats> {
  const { status, body } = await getFrom(`${hasty.url}/v1/stats`)
  expect(status).toBe(200)
  return body as unknown as JobStats
}

/** The store follows the log: waits until so many jobs are in it under the filter. */
export const untilListed = (hasty: Pick<Hasty, 'url'>, query: string, count: number): Promise<void> =>
  vi.waitFor(
    async () => {
      const pages = await listAll(hasty, `${query}&limit=200`)
      expect(pages.flat()).toHaveLength(count)
    },
    { timeout: 30_000, interval: 100 },
  )
