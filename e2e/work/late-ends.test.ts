// Ends that come twice, or too late: the first one counts, a repeat gets the same answer, and any other is told why it
// was refused.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readLease, writeLease } from '#shared/accept/lease.ts'
import type { LentJob } from '#shared/contracts/http/work.ts'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { workCalls } from './work-calls.ts'

let hasty: Hasty
let calls: ReturnType<typeof workCalls>
beforeAll(async () => {
  hasty = await startInProcess({ apis: 1, jobs: 2 })
  calls = workCalls(hasty.url)
})
afterAll(() => hasty.stop())

const FAIL = { error: { name: 'HttpError', message: 'no answer' } }
const LARGE = { result: 'x'.repeat(600_000) }

/** A job of a type of its own, claimed. */
async function lent(policy: Record<string, unknown> = {}, claim: Record<string, unknown> = {}): Promise<LentJob> {
  const type = `t-${randomUUID()}`
  const backoff = { kind: 'fixed', base_ms: 0, max_ms: 0, jitter: 0 }
  const put = { runner: 'http', policy: { backoff, ...policy } }
  expect(await send('PUT', `${hasty.url}/v1/types/${type}`, put)).toMatchObject({ status: 201 })
  await makeJob(hasty, { type })
  return calls.claimOne(type, claim)
}

/** The same lease, as a lender sees it that knows nothing of it but what the log says. */
function asOfTheLog(job: LentJob): LentJob {
  const token = readLease(job.lease)
  if (token === null) throw new Error('the lease cannot be read')
  return { ...job, lease: writeLease({ ...token, gateway_id: `gone-${randomUUID()}` }) }
}

const ended = (detail: string) => ({ status: 410, body: { code: 'job-ended', detail } })
const superseded = (detail: string) => ({ status: 409, body: { code: 'superseded', detail } })
const settled = (status: string) => ({ status: 200, body: { status } })

test.concurrent('after a result, another result changes nothing, and other ends say that it was completed', async () => {
  const job = await lent()
  expect(await calls.end(job, 'complete', { result: 1 })).toMatchObject(settled('finished'))
  for (const repeated of [job, asOfTheLog(job)])
    expect(await calls.end(repeated, 'complete', { result: 2 })).toMatchObject(settled('finished'))
  const detail = 'This attempt was completed before, and the job has ended.'
  expect(await calls.end(job, 'fail', FAIL)).toMatchObject(ended(detail))
  expect(await calls.end(job, 'release')).toMatchObject(ended(detail))
  await untilJob(hasty, job.job_id, { status: 'finished', result: 1 })
})

test.concurrent('a result that is too large is answered the same twice, and the job has not failed by a report', async () => {
  const job = await lent()
  for (const repeated of [job, job, asOfTheLog(job)])
    expect(await calls.end(repeated, 'complete', LARGE)).toMatchObject(settled('failed'))
  expect(await calls.end(job, 'fail', FAIL)).toMatchObject(
    ended('This attempt was completed before, with a result that cannot be stored, and the job has ended.'),
  )
  await untilJob(hasty, job.job_id, { status: 'failed', reason: 'result_too_large' })
})

test.concurrent('a failure that is reported again gets the same answer, also after the next attempt', async () => {
  const job = await lent()
  expect(await calls.end(job, 'fail', FAIL)).toMatchObject(settled('retrying'))
  const next = await calls.claimOne(job.type)
  expect(next).toMatchObject({ attempt: 2 })
  expect(await calls.end(asOfTheLog(job), 'fail', FAIL)).toMatchObject(settled('retrying'))
  expect(await calls.end(job, 'complete')).toMatchObject(
    superseded('This attempt was reported as failed before, and the job goes on without it.'),
  )
  expect(await calls.end(next, 'fail', { ...FAIL, retry: false })).toMatchObject(settled('failed'))
  expect(await calls.end(asOfTheLog(next), 'fail', FAIL)).toMatchObject(settled('failed'))
  expect(await calls.end(next, 'complete')).toMatchObject(
    ended('This attempt was reported as failed before, and the job has ended.'),
  )
})

test.concurrent('a job that was handed back is not ended by the worker that had it, also when that one has it again', async () => {
  const job = await lent()
  expect(await calls.end(job, 'release')).toMatchObject(settled('released'))
  const detail = 'This attempt was released before, and the job goes on without it.'
  expect(await calls.end(job, 'fail', FAIL)).toMatchObject(superseded(detail))
  const again = await calls.claimOne(job.type)
  expect(again).toMatchObject({ attempt: 1 })
  expect(await calls.end(job, 'complete', { result: 'old' })).toMatchObject(superseded(detail))
  expect(await calls.end(again, 'complete', { result: 'new' })).toMatchObject(settled('finished'))
  expect(await calls.end(asOfTheLog(job), 'complete', { result: 'old' })).toMatchObject(
    ended('This attempt was released before, and the job has ended.'),
  )
  expect(await calls.end(asOfTheLog(job), 'release')).toMatchObject(settled('released'))
  await untilJob(hasty, job.job_id, { status: 'finished', result: 'new' })
})

test.concurrent.each([
  ['retry', superseded('This attempt took longer than its time limit, and the job goes on without it.')],
  ['fail', ended('This attempt took longer than its time limit, and the job has ended.')],
  ['cancel', ended('This attempt took longer than its time limit, and the job has ended.')],
])('an end after the time limit, where the type says %s', async (onTimeout, answer) => {
  const job = await lent({ timeout_ms: 1_000, on_timeout: onTimeout, max_attempts: 2 })
  await untilJob(hasty, job.job_id, {
    attempts: [expect.objectContaining({ attempt: 1, outcome: expect.any(String) })],
  })
  for (const late of [job, asOfTheLog(job)]) {
    expect(await calls.end(late, 'complete')).toMatchObject(answer)
    expect(await calls.end(late, 'fail', FAIL)).toMatchObject(answer)
  }
})

test.concurrent('an end after a cancel, and one after the lease ran out', async () => {
  const [cancelled, lost] = await Promise.all([lent(), lent({}, { lease_s: 5 })])
  expect(await send('POST', `${hasty.url}/v1/jobs/${cancelled.job_id}/cancel`)).toMatchObject({ status: 200 })
  expect(await calls.end(cancelled, 'complete')).toMatchObject(
    ended('This attempt was cancelled, and the job has ended.'),
  )
  const next = await calls.claimOne(lost.type, { worker_id: 'w2' })
  const detail = 'The lease of this attempt ran out, and the job goes on without it.'
  expect(await calls.end(lost, 'complete')).toMatchObject(superseded(detail))
  expect(await calls.end(next, 'complete')).toMatchObject(settled('finished'))
  expect(await calls.end(asOfTheLog(lost), 'complete')).toMatchObject(
    ended('The lease of this attempt ran out, and the job has ended.'),
  )
})

test.concurrent('the sentence also stands in the answer to ends that come with a claim', async () => {
  const job = await lent()
  await calls.end(job, 'release')
  const settle = [{ lease: job.lease, fail: FAIL }]
  expect((await calls.claim({ types: [job.type], max: 0, settle })).settled).toEqual([
    {
      lease: job.lease,
      job_id: job.job_id,
      status: 'superseded',
      detail: 'This attempt was released before, and the job goes on without it.',
    },
  ])
})
