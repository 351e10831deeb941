import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import { getFrom, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob, untilRunning } from '../support/jobs.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
/** More than the short attempts in a row after which the next one is expected to be short. */
const MANY = 30

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ env: { HANDLERS_DIR, START_GRACE_MS: '300' } })
  // One after the other: the type is known for short attempts then.
  for (let n = 0; n < MANY; n++) await run({ payload: {} })
})
afterAll(() => hasty.stop())

const make = (body: Record<string, unknown>) => makeJob(hasty, { type: 'moody', ...body })
const run = async (body: Record<string, unknown>, fields: Partial<JobView> = { status: 'finished' }) =>
  untilJob(hasty, await make(body), fields)

async function eventsOf({ job_id: jobId }: Pick<JobView, 'job_id'>) {
  const { body } = await getFrom(`${hasty.url}/v1/jobs/${jobId}/events`)
  return body['items'] as Record<string, unknown>[]
}
const namesOf = async (job: Pick<JobView, 'job_id'>) => (await eventsOf(job)).map(({ event }) => event)

test('a short attempt is stored by its outcome, and the job shows what any other shows', async () => {
  const job = await run({ payload: {} })
  expect(await namesOf(job)).toEqual(['job:created', 'job:finished'])
  const [attempt] = job.attempts
  expect(job.attempts).toHaveLength(1)
  expect(attempt).toMatchObject({ attempt: 1, outcome: 'finished', started_at: job.started_at, error: null })
  expect(Date.parse(job.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(job.created_at))
  expect(Date.parse(attempt?.ended_at ?? '')).toBeGreaterThanOrEqual(Date.parse(job.started_at ?? ''))
  expect((await eventsOf(job)).at(-1)).toMatchObject({ started_at: job.started_at, worker_id: attempt?.worker_id })
})

test('a short attempt that fails, and one that is tried again, tell so', async () => {
  const failed = await run({ payload: { bad_attempts: 1 } }, { status: 'failed' })
  expect(await namesOf(failed)).toEqual(['job:created', 'job:failed'])
  expect(failed.attempts).toMatchObject([{ attempt: 1, outcome: 'failed', error: { message: 'bad mood 1' } }])

  for (let n = 0; n < MANY; n++) await run({ type: 'mixed', payload: { how: 'finish' } })
  const retried = await run({ type: 'mixed', payload: { how: 'retry' } })
  // A timer may fire twice: the second attempt starts by the log.
  expect((await namesOf(retried)).slice(0, 3)).toEqual(['job:created', 'job:retrying', 'job:started'])
  const outcomes = retried.attempts.map(({ attempt, outcome }) => `${attempt} ${outcome}`)
  expect(outcomes).toEqual(['1 retrying', '2 retrying', '3 finished'])
})

test('a job that is cancelled while it waits never starts, and one that is retried then starts once', async () => {
  const file = join(hasty.dir, 'started.txt')
  const counting = (name: string) => ({ type: 'counting', payload: { file, ms: 0, name } })
  for (let n = 0; n < MANY; n++) await run(counting('warm'))
  expect(await send('POST', `${hasty.url}/v1/types/counting/pause`)).toMatchObject({ status: 200 })
  const waiting = await Promise.all(Array.from({ length: 10 }, (_, n) => make(counting(`waits-${n}`))))
  const [retried = ''] = waiting
  for (const jobId of waiting)
    expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 200 })
  expect(await send('POST', `${hasty.url}/v1/jobs/${retried}/retry`)).toMatchObject({ status: 202 })
  expect(await send('POST', `${hasty.url}/v1/types/counting/resume`)).toMatchObject({ status: 200 })
  await untilJob(hasty, retried, { status: 'finished' })
  const last = await run(counting('last'))
  expect(await namesOf(last)).toEqual(['job:created', 'job:finished'])
  const started = (await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('start waits'))
  expect(started).toEqual(['start waits-0'])
})

test('an attempt that turns out to be long is seen to run, and can be cancelled', async () => {
  const jobId = await make({ payload: { ms: 60_000 } })
  const running = await untilRunning(hasty, jobId)
  const [created, started] = await eventsOf({ job_id: jobId })
  expect(started).toMatchObject({ event: 'job:started', attempt: 1, at: running.started_at })
  expect(created).toMatchObject({ event: 'job:created' })
  expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 200 })
  const job = await untilJob(hasty, jobId, { status: 'cancelled' })
  expect(job.attempts).toMatchObject([{ attempt: 1, outcome: 'cancelled' }])

  // After one long attempt the next is expected to be long.
  const next = await run({ payload: {} })
  expect(await namesOf(next)).toEqual(['job:created', 'job:started', 'job:finished'])
})
