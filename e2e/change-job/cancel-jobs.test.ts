import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const HOUR_MS = 3_600_000

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 2, nginx: true, env: { HANDLERS_DIR, JOB_SLOTS: '20' } })
})
afterAll(() => hasty.stop())

const cancel = (body: unknown) => postTo(`${hasty.url}/v1/cancel`, body)

/** Lists are some milliseconds behind the log. */
const untilListed = (tag: string, count: number, status = 'scheduled,processing') =>
  vi.waitFor(
    async () => {
      const { body } = await getFrom(`${hasty.url}/v1/jobs?tag=${tag}&status=${status}&limit=200`)
      expect(body['items']).toHaveLength(count)
    },
    { timeout: 20_000 },
  )

test('the jobs of a tag are cancelled, waiting and running, with the reason, and no others', async () => {
  const payload = { ms: 40_000 }
  const running = await makeJob(hasty, { payload, tags: ['customer:1'] })
  const delayed = await makeJob(hasty, { payload, tags: ['customer:1'], delay_ms: HOUR_MS })
  const other = await makeJob(hasty, { payload, tags: ['customer:2'], delay_ms: HOUR_MS })
  await untilRunning(hasty, running)
  await untilListed('customer:1', 2)
  const dry = await cancel({ tag: 'customer:1', dry_run: true })
  expect(dry).toMatchObject({ status: 200, body: { dry_run: true, matched: 2, cancelled: 0, skipped: 0 } })
  expect(dry.body['job_ids']).toEqual([delayed, running])
  expect(dry.body).toMatchObject({ as_of: expect.any(String) as string, lag_ms: expect.any(Number) as number })
  expect(await readJob(hasty, delayed)).toMatchObject({ status: 'scheduled' })
  const { body } = await cancel({ tag: 'customer:1', reason: 'left us' })
  expect(body).toMatchObject({ dry_run: false, matched: 2, cancelled: 2, skipped: 0, next_cursor: null })
  for (const id of [running, delayed]) {
    const ended = { status: 'cancelled', reason: 'requested', error: { message: 'left us' } }
    expect(await readJob(hasty, id)).toMatchObject(ended)
  }
  expect(await readJob(hasty, other)).toMatchObject({ status: 'scheduled' })
})

test('a status, a limit and a cursor choose a part; what has ended is left as it is', async () => {
  const done = await makeJob(hasty, { payload: { ms: 1 }, tags: ['part'] })
  await untilJob(hasty, done, { status: 'finished' })
  const running = await makeJob(hasty, { payload: { ms: 40_000 }, tags: ['part'] })
  await untilRunning(hasty, running)
  for (let n = 0; n < 5; n++) await makeJob(hasty, { tags: ['part'], delay_ms: HOUR_MS })
  await untilListed('part', 5, 'scheduled')
  const part = { tag: 'part', type: 'sleep', status: ['scheduled'], limit: 3 }
  const first = await cancel(part)
  expect(first.body).toMatchObject({ matched: 3, cancelled: 3, next_cursor: expect.any(String) as string })
  const second = await cancel({ ...part, cursor: first.body['next_cursor'] })
  expect(second.body).toMatchObject({ matched: 2, cancelled: 2, next_cursor: null })
  expect(await readJob(hasty, done)).toMatchObject({ status: 'finished' })
  expect(await readJob(hasty, running)).toMatchObject({ status: 'processing' })
  expect((await cancel({ tag: 'part' })).body).toMatchObject({ cancelled: 1 })
})

test('of 200 jobs that are cancelled by three callers at once, each is cancelled once', async () => {
  const jobs = await Promise.all(
    Array.from({ length: 200 }, () => makeJob(hasty, { tags: ['race'], delay_ms: HOUR_MS })),
  )
  await untilListed('race', 200)
  const results = await Promise.all([
    cancel({ tag: 'race' }),
    cancel({ tag: 'race' }),
    ...jobs.map((jobId) => send('DELETE', `${hasty.url}/v1/jobs/${jobId}`)),
  ])
  const byFilter = results.slice(0, 2).reduce((sum, { body }) => sum + Number(body['cancelled']), 0)
  const byId = results.slice(2).filter(({ status }) => status === 200).length
  expect(byFilter + byId).toBe(200)
  for (const jobId of jobs) {
    const events = (await getFrom(`${hasty.url}/v1/jobs/${jobId}/events`)).body['items'] as { event: string }[]
    expect(events.filter(({ event }) => event === 'job:cancelled')).toHaveLength(1)
  }
})

test.each([
  ['no filter at all', {}, 'invalid-request'],
  ['a status alone', { status: ['processing'] }, 'invalid-request'],
  ['a status of the end', { tag: 'x', status: ['failed'] }, 'invalid-request'],
  ['a filter that is none', { tag: 'x', tga: 'x' }, 'unknown-member'],
  ['a time of the end, which none of them has', { tag: 'x', ended_after: '2026-11-22T08:00:00Z' }, 'unknown-member'],
  ['a cursor of another search', { tag: 'x', cursor: 'AAAA' }, 'invalid-request'],
])('%s is refused', async (_, body, code) => {
  expect(await cancel(body)).toMatchObject({ status: 400, body: { code } })
})
