import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Why } from '#shared/contracts/http/why.ts'
import { getFrom, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilJob, untilRunning } from '../support/jobs.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const SOON = { timeout: 15_000, interval: 50 }

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 1, jobs: 0, nginx: true, env: { HANDLERS_DIR, JOB_SLOTS: '2' } })
})
afterAll(() => hasty.stop())

async function why(jobId: string): Promise<Why> {
  const { status, body } = await getFrom(`${hasty.url}/v1/jobs/${jobId}/why`)
  expect(status).toBe(200)
  return body as unknown as Why
}

const codes = ({ reasons }: Why) => reasons.map(({ code }) => code)

test('a job that waits says what for, and how many are before it', async () => {
  const waiting: string[] = []
  for (let n = 0; n < 3; n++) waiting.push(await makeJob(hasty, { type: 'moody', payload: { ms: 300 } }))
  const low = await makeJob(hasty, { type: 'moody', priority: 'low' })
  expect(await why(waiting[0] ?? '')).toMatchObject({ status: 'processing', position: 0, estimated_start_at: null })
  expect(codes(await why(waiting[0] ?? ''))).toEqual(['no_live_worker'])
  expect(codes(await why(waiting[2] ?? ''))).toEqual(['no_live_worker', 'behind'])
  expect(await why(waiting[2] ?? '')).toMatchObject({ position: 2 })
  expect(await why(low)).toMatchObject({ position: 3 })

  await send('POST', `${hasty.url}/v1/types/moody/pause`)
  expect(codes(await why(low))).toEqual(['paused', 'no_live_worker', 'behind'])
  await hasty.addJob()
  await vi.waitFor(async () => expect(codes(await why(low))).toEqual(['paused', 'behind']), SOON)
  await send('PATCH', `${hasty.url}/v1/types/moody`, { concurrency: 1 })
  await send('POST', `${hasty.url}/v1/types/moody/resume`)
  const ended = await untilJob(hasty, low, { status: 'finished' })
  expect(codes(await why(ended.job_id))).toEqual(['ended'])
})

test('a job at the limit of its type says so, with a time to expect', async () => {
  const first = await makeJob(hasty, { type: 'moody', payload: { ms: 8_000 } })
  await untilRunning(hasty, first)
  const second = await makeJob(hasty, { type: 'moody' })
  expect(await why(first)).toMatchObject({ reasons: [{ code: 'running' }], position: null })
  expect(codes(await why(second))).toEqual(['at_concurrency_limit'])
  // The rate is the difference between two readings of the lanes.
  await vi.waitFor(async () => expect((await why(second)).estimated_start_at).not.toBeNull(), SOON)
  await send('DELETE', `${hasty.url}/${first}`)
  await untilJob(hasty, second, { status: 'finished' })
})

test('a job that waits for a time says which', async () => {
  const delayed = await makeJob(hasty, { type: 'moody', delay_ms: 60_000 })
  const { reasons, due_at: dueAt } = await why(delayed)
  expect(reasons).toMatchObject([{ code: 'delayed', detail: expect.stringContaining(dueAt ?? 'none') as string }])
  const backoff = { kind: 'fixed', base_ms: 60_000, max_ms: 60_000, jitter: 0 }
  const retrying = await makeJob(hasty, { type: 'moody', payload: { bad_attempts: 1 }, attempts: 2, backoff })
  await vi.waitFor(async () => expect(codes(await why(retrying))).toEqual(['waiting_for_retry']), SOON)
  expect((await why(retrying)).reasons[0]?.detail).toContain('bad mood 1')
})

test('a job that has ended says how, with every attempt and what to do next', async () => {
  const failed = await makeJob(hasty, { type: 'moody', payload: { bad_attempts: 1 }, attempts: 1 })
  await untilJob(hasty, failed, { status: 'failed' })
  const attempt = { attempt: 1, round: 1, outcome: 'failed', worker_id: expect.any(String) as string }
  expect(await why(failed)).toMatchObject({
    status: 'failed',
    error: { message: 'bad mood 1' },
    reason: 'attempts_exhausted',
    next: { action: 'retry' },
    attempts: [{ ...attempt, error: { message: 'bad mood 1' } }],
  })
  const hopeless = await makeJob(hasty, { type: 'multiply', payload: { numbers: [1e200, 1e200] } })
  await untilJob(hasty, hopeless, { status: 'failed' })
  expect(await why(hopeless)).toMatchObject({ reason: 'permanent', next: { action: 'nothing' } })
})

test('no job has no reason', async () => {
  expect(await getFrom(`${hasty.url}/v1/jobs/nonsense/why`)).toMatchObject({ status: 404 })
})

test('a job that waits for slots which hung handlers hold is told so, and so is who looks at the workers', async () => {
  const tooSlow = { type: 'stubborn', attempts: 1, timeout_ms: 50 }
  const hung = await Promise.all([1, 2].map(() => makeJob(hasty, tooSlow)))
  for (const id of hung) await untilJob(hasty, id, { status: 'failed', reason: 'timeout' })
  const waiting = await makeJob(hasty, { type: 'add', payload: { numbers: [1] } })
  const { reasons } = await why(waiting)
  expect(reasons[0]).toMatchObject({ code: 'slots_held_by_abandoned_handlers' })
  expect(reasons[0]?.detail).toContain('2 slots are held')
  expect(reasons[0]?.detail).toContain('of type stubborn')
  await vi.waitFor(async () => {
    const { body } = await getFrom(`${hasty.job.at(-1)?.url}/v1/workers?live=true`)
    expect(body['items']).toMatchObject([{ running: 2, slots: 2, abandoned: 2 }])
  }, SOON)
})
