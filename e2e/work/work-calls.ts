import { expect } from 'vitest'
import type { ClaimedWork, ExtendedWork, LentJob } from '#shared/contracts/http/work.ts'
import { type ApiAnswer, send } from '../support/call.ts'

/** The calls of an HTTP worker, as it makes them. */
export const workCalls = (url: string, headers: Record<string, string> = {}) => ({
  async claim(body: Record<string, unknown>): Promise<ClaimedWork> {
    const answer = await send('POST', `${url}/v1/work`, { worker_id: 'w1', ...body }, headers)
    expect(answer).toMatchObject({ status: 200 })
    return answer.body as ClaimedWork
  },
  /** Claims exactly one job. */
  async claimOne(type: string, body: Record<string, unknown> = {}): Promise<LentJob> {
    const { jobs } = await this.claim({ types: [type], wait_s: 30, ...body })
    const [job] = jobs
    if (job === undefined || jobs.length > 1) throw new Error(`${jobs.length} jobs were handed out`)
    return job
  },
  async extend(lease: string, progress?: Record<string, unknown>): Promise<ExtendedWork['leases'][number] | undefined> {
    const leases = [{ lease, ...(progress === undefined ? {} : { progress }) }]
    const answer = await send('POST', `${url}/v1/work/extend`, { worker_id: 'w1', lease_s: 5, leases }, headers)
    expect(answer).toMatchObject({ status: 200 })
    return (answer.body as ExtendedWork).leases[0]
  },
  end: (
    { job_id, lease }: Pick<LentJob, 'job_id' | 'lease'>,
    verb: 'complete' | 'fail' | 'release',
    body: Record<string, unknown> = {},
  ): Promise<ApiAnswer> => send('POST', `${url}/v1/work/${job_id}/${verb}`, { lease, ...body }, headers),
})
