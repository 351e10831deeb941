import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true, env: { HANDLERS_DIR } })
})
afterAll(() => hasty.stop())

const wait = (seconds: number | string) => ({ prefer: `wait=${seconds}` })
const job = (fields: Record<string, unknown>) => ({ object_id: crypto.randomUUID(), type: 'moody', ...fields })

test('a job that ends within the wait is answered whole, with 200, at once', async () => {
  for (const path of ['/', '/v1/jobs']) {
    const answer = await postTo(hasty.url + path, job({ payload: { ms: 200 } }), wait(30))
    expect(answer).toMatchObject({ status: 200, body: { status: 'finished', result: { attempt: 1 } } })
    expect(answer.headers.get('preference-applied')).toBe('wait=30')
    expect(answer.headers.get('location')).toContain(answer.body['job_id'])
    // A job that was shown as ended stays so, on every replica.
    for (const { url } of hasty.api) {
      expect(await readJob({ url }, answer.body['job_id'] as string)).toMatchObject({ status: 'finished' })
    }
  }
})

test('a job that takes longer is answered as without a wait, and can be waited for again', async () => {
  const answer = await postTo(`${hasty.url}/`, job({ payload: { ms: 2_000 } }), wait(1))
  expect(answer).toMatchObject({ status: 201, body: { status: 'processing' } })
  expect(answer.headers.get('preference-applied')).toBe('wait=1')
  const ended = await getFrom(`${hasty.url}/${String(answer.body['job_id'])}`, wait('"20"'))
  expect(ended).toMatchObject({ status: 200, body: { status: 'finished' } })
})

test('a wait is ended by whatever ends the job', async () => {
  const jobId = await makeJob(hasty, { type: 'moody', delay_ms: 3_600_000 })
  const waiting = getFrom(`${hasty.api[0]?.url}/${jobId}`, wait(60))
  expect((await send('DELETE', `${hasty.api[1]?.url}/${jobId}`)).status).toBe(200)
  expect(await waiting).toMatchObject({ status: 200, body: { status: 'cancelled' } })
})

test('who has a version already is woken by the next one', async () => {
  const jobId = await makeJob(hasty, { type: 'moody', delay_ms: 3_600_000 })
  const first = await getFrom(`${hasty.url}/${jobId}`)
  const etag = first.headers.get('etag') ?? ''
  expect(await getFrom(`${hasty.url}/${jobId}`, { ...wait(1), 'if-none-match': etag })).toMatchObject({ status: 304 })
  const waiting = getFrom(`${hasty.api[0]?.url}/${jobId}`, { ...wait(60), 'if-none-match': etag })
  await send('PATCH', `${hasty.url}/v1/jobs/${jobId}`, { delay_ms: 7_200_000 })
  expect(await waiting).toMatchObject({ status: 200, body: { status: 'scheduled' } })
})

test('who has an old version is told of the newer one at once', async () => {
  const jobId = await makeJob(hasty, { type: 'moody', delay_ms: 3_600_000 })
  const etag = (await getFrom(`${hasty.url}/${jobId}`)).headers.get('etag') ?? ''
  await send('PATCH', `${hasty.url}/v1/jobs/${jobId}`, { delay_ms: 7_200_000 })
  const startedMs = performance.now()
  const answer = await getFrom(`${hasty.url}/${jobId}`, { ...wait(60), 'if-none-match': etag })
  expect(answer).toMatchObject({ status: 200, body: { status: 'scheduled' } })
  expect(performance.now() - startedMs).toBeLessThan(30_000)
})

test.each(['wait=x', 'wait', 'respond-async', 'wait=-1', 'handling=lenient'])(
  'a preference that is none of ours (%s) is passed over',
  async (prefer) => {
    const answer = await postTo(`${hasty.url}/`, job({}), { prefer })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('preference-applied')).toBeNull()
  },
)

test('more than 60 seconds are 60', async () => {
  const answer = await postTo(`${hasty.url}/`, job({}), { prefer: 'respond-async, wait=100000' })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('preference-applied')).toBe('wait=60')
})

test('a replica that stops answers those who wait with what there is', async () => {
  const added = await hasty.addApi()
  const jobId = await makeJob(hasty, { type: 'moody', payload: { ms: 3_000 } })
  await untilRunning(hasty, jobId)
  const waiting = getFrom(`${added.url}/${jobId}`, wait(60))
  await vi.waitFor(
    async () => {
      const metrics = await (await fetch(`${added.url}/metrics`)).text()
      expect(metrics).toContain('hasty_http_request_duration_seconds')
    },
    { timeout: 20_000 },
  )
  const stopped = added.stop()
  expect(await waiting).toMatchObject({ status: 200, body: { status: 'processing' } })
  await stopped
  await untilJob(hasty, jobId, { status: 'finished' })
})

test('a wait survives an outage of the broker', async () => {
  const waiting = postTo(`${hasty.api[0]?.url}/`, job({ payload: { ms: 1_500 } }), wait(30))
  await vi.waitFor(
    async () => {
      const { body } = await getFrom(`${hasty.url}/v1/events?type=moody&limit=1000`)
      const last = (body['items'] as { event: string }[]).at(-1)
      expect(last?.event).toBe('job:started')
    },
    { timeout: 20_000 },
  )
  await hasty.nats.kill('SIGKILL')
  await hasty.nats.restart()
  expect(await waiting).toMatchObject({ status: 200, body: { status: 'finished' } })
})
