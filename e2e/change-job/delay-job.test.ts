import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { connectTest, historiesOf, readLog } from '../support/read-log.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 1, jobs: 1, nginx: true, env: { HANDLERS_DIR } })
})
afterAll(() => hasty.stop())

const retime = (jobId: string, body: unknown) => send('PATCH', `${hasty.url}/v1/jobs/${jobId}`, body)

/** By the broker's clock: a worker's own idea of it may be some milliseconds behind, and so may `started_at`. */
async function startStoredAtMs(jobId: string): Promise<number> {
  const nc = await connectTest(hasty.nats.url)
  try {
    const history = historiesOf(await readLog(nc)).get(jobId)
    return history?.find(({ event }) => event.event === 'job:started')?.timeMs ?? expect.unreachable('it never started')
  } finally {
    await nc.close()
  }
}

test('a delayed job is scheduled until its time, and starts no earlier', async () => {
  const runAtMs = Date.now() + 1_200
  const created = await postTo(`${hasty.url}/`, {
    object_id: 'later',
    type: 'moody',
    run_at: new Date(runAtMs).toISOString(),
  })
  expect(created).toMatchObject({ status: 201, body: { status: 'scheduled', due_at: new Date(runAtMs).toISOString() } })
  const jobId = created.body['job_id'] as string
  expect(await readJob(hasty, jobId)).toMatchObject({ status: 'scheduled', due_at: new Date(runAtMs).toISOString() })
  expect(await postTo(`${hasty.url}/`, { object_id: 'later', type: 'moody' })).toMatchObject({
    status: 400,
    body: { code: 'cooldown', job_id: jobId },
  })
  const ended = await untilJob(hasty, jobId, { status: 'finished' })
  expect(await startStoredAtMs(jobId)).toBeGreaterThanOrEqual(runAtMs)
  expect(ended.due_at).toBeNull()
})

test('a time that has passed, or a delay of 0, means now', async () => {
  for (const start of [{ run_at: '2020-01-01T00:00:00+02:00' }, { delay_ms: 0 }]) {
    const jobId = await makeJob(hasty, { type: 'moody', ...start })
    await untilJob(hasty, jobId, { status: 'finished' })
  }
})

test.each([
  ['both at once', { delay_ms: 1_000, run_at: '2030-01-01T00:00:00Z' }, '/run_at'],
  ['further away than a year', { run_at: '2099-01-01T00:00:00Z' }, '/run_at'],
  ['no time at all', { run_at: 'tomorrow' }, '/run_at'],
  ['a negative delay', { delay_ms: -1 }, '/delay_ms'],
  ['more attempts than there may be', { attempts: 101 }, '/attempts'],
  ['a backoff that is none', { backoff: { kind: 'linear' } }, '/backoff/kind'],
])('%s is refused and makes no job', async (_, body, pointer) => {
  const answer = await postTo(`${hasty.url}/v1/jobs`, { object_id: 'refused', type: 'moody', ...body })
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request', errors: [{ pointer }] } })
  await untilJob(hasty, await makeJob(hasty, { type: 'moody' }), { status: 'finished' })
})

test('a scheduled job can be given an earlier or a later time', async () => {
  const sooner = await makeJob(hasty, { type: 'moody', delay_ms: 60_000 })
  const later = await makeJob(hasty, { type: 'moody', delay_ms: 700 })
  expect(await retime(later, { delay_ms: 3_600_000 })).toMatchObject({ status: 200, body: { status: 'scheduled' } })
  expect(await retime(sooner, { delay_ms: 900 })).toMatchObject({ status: 200, body: { status: 'scheduled' } })
  await untilJob(hasty, sooner, { status: 'finished' })
  expect(await readJob(hasty, later)).toMatchObject({ status: 'scheduled', attempts: [] })
  expect(await retime(later, { delay_ms: 0 })).toMatchObject({
    status: 200,
    body: { status: 'processing', due_at: null },
  })
  expect(await untilJob(hasty, later, { status: 'finished' })).toMatchObject({ round: 1, result: { attempt: 1 } })
  expect(await retime(later, { delay_ms: 0 })).toMatchObject({ status: 409, body: { code: 'wrong-state' } })
})

test('a job that waits for its next attempt can be told to try at once', async () => {
  const backoff = { kind: 'fixed', base_ms: 3_600_000, max_ms: 3_600_000, jitter: 0 }
  const jobId = await makeJob(hasty, { type: 'moody', payload: { bad_attempts: 1 }, attempts: 2, backoff })
  expect(await untilJob(hasty, jobId, { attempts: [{ outcome: 'retrying' }] as never })).toMatchObject({
    status: 'processing',
    due_at: expect.any(String) as string,
    max_attempts: 2,
  })
  expect(await retime(jobId, { delay_ms: 0 })).toMatchObject({ status: 200 })
  expect(await untilJob(hasty, jobId, { status: 'finished' })).toMatchObject({ round: 1, result: { attempt: 2 } })
})

test('another time that is asked for again under its key, or by nginx, is set once', async () => {
  const [api] = hasty.api
  const ways: Record<string, string>[] = [{ 'idempotency-key': 'at ten' }, { 'hasty-request-id': 'repeated-patch-1' }]
  for (const headers of ways) {
    const jobId = await makeJob(hasty, { type: 'moody', delay_ms: 60_000 })
    const moveTo = async (delayMs: number, own: Record<string, string> = {}) => {
      const response = await fetch(`${api?.url}/v1/jobs/${jobId}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json', ...own },
        body: JSON.stringify({ delay_ms: delayMs }),
      })
      return ((await response.json()) as { due_at: string }).due_at
    }
    const first = await moveTo(3_600_000, headers)
    expect(await moveTo(3_600_000, headers)).toBe(first)
    const second = await moveTo(1_800_000)
    expect(second).not.toBe(first)
  }
})
