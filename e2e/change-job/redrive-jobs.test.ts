import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { connectTest } from '../support/read-log.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 2, nginx: true, env: { HANDLERS_DIR, JOB_SLOTS: '20' } })
})
afterAll(() => hasty.stop())

const redrive = (body: unknown) => postTo(`${hasty.url}/v1/redrive`, body)

async function makeFailed(count: number, objectId?: string): Promise<string[]> {
  const jobs = await Promise.all(
    Array.from({ length: count }, () =>
      makeJob(hasty, {
        type: 'moody',
        payload: { bad_attempts: 1 },
        ...(objectId === undefined ? {} : { object_id: objectId }),
      }),
    ),
  )
  for (const jobId of jobs) await untilJob(hasty, jobId, { status: 'failed' })
  return jobs
}

/** Lists are some milliseconds behind the log. */
const untilListed = (jobs: string[], status: string) =>
  vi.waitFor(
    async () => {
      const { body } = await send('GET', `${hasty.url}/v1/jobs?status=${status}&type=moody&limit=200`)
      const listed = new Set((body['items'] as { job_id: string }[]).map(({ job_id }) => job_id))
      expect(jobs.filter((jobId) => !listed.has(jobId))).toEqual([])
    },
    { timeout: 20_000 },
  )

test('a dry run says which jobs are meant and changes none', async () => {
  const jobs = await makeFailed(3)
  await untilListed(jobs, 'failed')
  const { status, body } = await redrive({ type: 'moody', dry_run: true })
  expect(status).toBe(200)
  expect(body).toMatchObject({ dry_run: true, matched: 3, retried: 0, skipped: 0, next_cursor: null })
  expect((body['job_ids'] as string[]).toSorted()).toEqual(jobs.toSorted())
  for (const jobId of jobs) expect(await readJob(hasty, jobId)).toMatchObject({ status: 'failed', round: 1 })
  expect(await redrive({ type: 'moody' })).toMatchObject({ status: 200, body: { matched: 3, retried: 3, skipped: 0 } })
  for (const jobId of jobs) expect(await untilJob(hasty, jobId, { status: 'finished' })).toMatchObject({ round: 2 })
})

test('the jobs of a redrive with a rate start one after another, each at a time of its own', async () => {
  const jobs = await makeFailed(5)
  await untilListed(jobs, 'failed')
  const { body } = await redrive({ type: 'moody', rate_per_s: 5, limit: 3 })
  expect(body).toMatchObject({ matched: 3, retried: 3, next_cursor: expect.any(String) as string })
  const rest = await redrive({
    type: 'moody',
    rate_per_s: 5,
    cursor: body['next_cursor'],
    run_at: body['next_run_at'],
  })
  expect(rest.body).toMatchObject({ matched: 2, retried: 2, next_cursor: null })
  const ended = await Promise.all(jobs.map((jobId) => untilJob(hasty, jobId, { status: 'finished' })))
  const starts = ended.map(({ started_at }) => Date.parse(started_at ?? '')).toSorted((a, b) => a - b)
  // At 5 a second the first and the last are 800 ms apart; timers come up to 250 ms late, never early.
  expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeGreaterThan(500)
})

test('jobs whose type is gone are passed over, and stop nobody else', async () => {
  const jobs = await makeFailed(2)
  const orphan = await makeJob(hasty, { type: 'doomed' })
  await untilJob(hasty, orphan, { status: 'failed' })
  await untilListed(jobs, 'failed')
  const nc = await connectTest(hasty.nats.url)
  const manager = await jetstreamManager(nc)
  for (const priority of ['high', 'normal', 'low']) await manager.consumers.delete('JOBS', `work-doomed-${priority}`)
  await nc.close()
  await vi.waitFor(
    async () => {
      const types = await getFrom(`${hasty.url}/v1/types/doomed`)
      expect(types.status).toBe(404)
    },
    { timeout: 20_000 },
  )
  // Each api reads the lanes again after some seconds.
  await vi.waitFor(
    async () => {
      for (const { url } of hasty.api) {
        const answer = await postTo(`${url}/v1/jobs`, { object_id: 'orphan', type: 'doomed' })
        expect(answer.body).toMatchObject({ code: 'unknown-type' })
      }
    },
    { timeout: 15_000, interval: 500 },
  )
  const { status, body } = await redrive({})
  expect(status).toBe(200)
  expect(body).toMatchObject({ matched: 3, retried: 2, skipped: 1, next_cursor: null })
  for (const jobId of jobs) await untilJob(hasty, jobId, { status: 'finished' })
})

test('300 jobs that are retried and redriven by three callers at once begin one new round each', async () => {
  const jobs = await makeFailed(300)
  // Ids are in time order: the newest of them are on the first page.
  await untilListed(jobs.toSorted().slice(-150), 'failed')
  const results = await Promise.all([
    redrive({ type: 'moody' }),
    redrive({ type: 'moody' }),
    ...jobs.map((jobId) => send('POST', `${hasty.url}/v1/jobs/${jobId}/retry`)),
  ])
  const redriven = results.slice(0, 2).reduce((sum, { body }) => sum + Number(body['retried']), 0)
  const retried = results.slice(2).filter(({ status }) => status === 202).length
  for (const { status } of results.slice(2)) expect([202, 409]).toContain(status)
  expect(redriven + retried).toBe(300)
  for (const jobId of jobs) {
    expect(await untilJob(hasty, jobId, { status: 'finished' })).toMatchObject({ round: 2, result: { attempt: 2 } })
  }
})

test.each([
  ['a status that cannot be retried', { status: ['finished'] }, 'invalid-request'],
  ['a rate of 0', { rate_per_s: 0 }, 'invalid-request'],
  ['a filter that is none', { tpye: 'moody' }, 'unknown-member'],
  ['a cursor of another search', { cursor: 'AAAA' }, 'invalid-request'],
])('%s is refused', async (_, body, code) => {
  expect(await redrive(body)).toMatchObject({ status: 400, body: { code } })
})
