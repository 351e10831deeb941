import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countStatuses, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 2, nginx: true, env: { HANDLERS_DIR, JOB_SLOTS: '20' } })
})
afterAll(() => hasty.stop())

const retry = (jobId: string, body?: unknown) => send('POST', `${hasty.url}/v1/jobs/${jobId}/retry`, body)

test('a failed job goes on in a new round under its id, and every attempt stays in its history', async () => {
  const jobId = await makeJob(hasty, { type: 'moody', payload: { bad_attempts: 2 } })
  await untilJob(hasty, jobId, { status: 'failed', round: 1 })
  expect(await retry(jobId)).toMatchObject({
    status: 202,
    body: { job_id: jobId, status: 'processing', round: 2, error: null },
  })
  await untilJob(hasty, jobId, { status: 'failed', round: 2 })
  expect(await retry(jobId, { attempts: 3, timeout_ms: 9_000 })).toMatchObject({
    status: 202,
    body: { round: 3, max_attempts: 5, timeout_ms: 9_000 },
  })
  const ended = await untilJob(hasty, jobId, { status: 'finished' })
  expect(ended).toMatchObject({ round: 3, result: { attempt: 3 }, payload: { bad_attempts: 2 } })
  expect(ended.attempts.map(({ attempt, outcome, error }) => ({ attempt, outcome, error: error?.message }))).toEqual([
    { attempt: 1, outcome: 'failed', error: 'bad mood 1' },
    { attempt: 2, outcome: 'failed', error: 'bad mood 2' },
    { attempt: 3, outcome: 'finished', error: undefined },
  ])
})

test('a cancelled job can be retried, now or later', async () => {
  const jobId = await makeJob(hasty, { type: 'moody', delay_ms: 60_000 })
  await send('DELETE', `${hasty.url}/v1/jobs/${jobId}`)
  expect(await retry(jobId, { delay_ms: 300 })).toMatchObject({ status: 202, body: { status: 'scheduled', round: 2 } })
  expect(await untilJob(hasty, jobId, { status: 'finished' })).toMatchObject({ reason: null, result: { attempt: 1 } })
})

test('a job whose object_id only looks like that of a request’s job can be retried', async () => {
  const jobId = await makeJob(hasty, { object_id: 'request:42:0:a:1', type: 'moody', payload: { bad_attempts: 2 } })
  await untilJob(hasty, jobId, { status: 'failed' })
  expect(await retry(jobId)).toMatchObject({ status: 202, body: { round: 2 } })
})

test('a job that finished or has not ended cannot be retried', async () => {
  const finished = await makeJob(hasty, { type: 'moody' })
  const scheduled = await makeJob(hasty, { type: 'moody', delay_ms: 60_000 })
  await untilJob(hasty, finished, { status: 'finished' })
  for (const [jobId, status] of [
    [finished, 'finished'],
    [scheduled, 'scheduled'],
  ] as const) {
    expect(await retry(jobId)).toMatchObject({ status: 409, body: { code: 'wrong-state', job: { status } } })
    expect(await readJob(hasty, jobId)).toMatchObject({ status, round: 1 })
  }
})

test('a cancelled job is started again although its old handler still runs and does not listen', async () => {
  const jobId = await makeJob(hasty, { type: 'stubborn' })
  await untilJob(hasty, jobId, { started_at: expect.any(String) as string })
  await send('DELETE', `${hasty.url}/v1/jobs/${jobId}`)
  expect((await retry(jobId)).status).toBe(202)
  // The same worker gets the job while it waits for the old handler: it must hand the job on, and not keep it for a
  // lease.
  const ended = await untilJob(hasty, jobId, { status: 'finished' })
  expect(ended).toMatchObject({ round: 2, result: { attempt: 2 } })
  expect(Date.parse(ended.started_at ?? '') - Date.parse(ended.attempts[0]?.ended_at ?? '')).toBeLessThan(10_000)
})

test('200 jobs that are each retried by three callers at once begin one new round', async () => {
  const jobs = await Promise.all(
    Array.from({ length: 200 }, () => makeJob(hasty, { type: 'moody', payload: { bad_attempts: 1 } })),
  )
  await Promise.all(jobs.map((jobId) => untilJob(hasty, jobId, { status: 'failed' })))
  await Promise.all(
    jobs.map(async (jobId) => {
      const answers = await Promise.all([retry(jobId), retry(jobId), retry(jobId)])
      expect(countStatuses(answers)).toEqual({ 202: 1, 409: 2 })
    }),
  )
  for (const jobId of jobs) {
    expect(await untilJob(hasty, jobId, { status: 'finished' })).toMatchObject({ round: 2, result: { attempt: 2 } })
  }
})
