import { expect, vi } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import { postTo } from './call.ts'
import type { Hasty } from './hasty.ts'

const SOON = { timeout: 60_000, interval: 25 }

let made = 0

/** Creates a job under a new object_id. @returns its id */
export async function makeJob(hasty: Pick<Hasty, 'url'>, body: Record<string, unknown> = {}): Promise<string> {
  const answer = await postTo(`${hasty.url}/v1/jobs`, {
    object_id: `made-${process.pid}-${made++}`,
    type: 'sleep',
    ...body,
  })
  expect(answer).toMatchObject({ status: 201 })
  return answer.body['job_id'] as string
}

export async function readJob(hasty: Pick<Hasty, 'url'>, jobId: string): Promise<JobView> {
  const response = await fetch(`${hasty.url}/v1/jobs/${jobId}`)
  expect(response.status).toBe(200)
  return (await response.json()) as JobView
}

/** Waits until the job looks like this. */
export const untilJob = (hasty: Pick<Hasty, 'url'>, jobId: string, fields: Partial<JobView>): Promise<JobView> =>
  vi.waitFor(async () => {
    const job = await readJob(hasty, jobId)
    expect(job).toMatchObject(fields)
    return job
  }, SOON)

/** Waits until an attempt of the job runs. */
export const untilRunning = (hasty: Pick<Hasty, 'url'>, jobId: string): Promise<JobView> =>
  untilJob(hasty, jobId, { started_at: expect.any(String) as string })
