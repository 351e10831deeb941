import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getFrom, send } from '../support/call.ts'
import { openEventStream, type StreamedEvent } from '../support/event-stream.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { makeJob, untilJob, untilRunning } from '../support/jobs.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const SOON = { timeout: 20_000, interval: 25 }

let hasty: Mixed<'api' | 'job'>
beforeAll(async () => {
  hasty = await startMixed(['api', 'job'], { apis: 2, jobs: 2, nginx: true, env: { HANDLERS_DIR } })
})
afterAll(() => hasty.stop())

const names = (events: readonly { event: string }[]) => events.map(({ event }) => event)
const ids = (events: readonly StreamedEvent[]) => events.map(({ id }) => id)
const eventsOf = (jobId: string, base = hasty.url) => `${base}/v1/jobs/${jobId}/events`

test("a job's whole history is there as JSON, over its rounds", async () => {
  const jobId = await makeJob(hasty, { type: 'moody', payload: { bad_attempts: 1 }, delay_ms: 100 })
  await untilJob(hasty, jobId, { status: 'failed' })
  await send('POST', `${hasty.url}/v1/jobs/${jobId}/retry`)
  await untilJob(hasty, jobId, { status: 'finished' })
  const { status, body } = await getFrom(eventsOf(jobId))
  const items = body['items'] as { event: string; seq: number }[]
  expect({ status, events: names(items) }).toEqual({
    status: 200,
    events: ['job:scheduled', 'job:started', 'job:failed', 'job:created', 'job:started', 'job:finished'],
  })
  expect(items[2]).toMatchObject({ attempt: 1, reason: 'attempts_exhausted', error: { message: 'bad mood 1' } })
  expect(items[3]).toMatchObject({ round: 2, attempt: 2 })
  expect(items.map(({ seq }) => seq)).toEqual(items.map(({ seq }) => seq).toSorted((a, b) => a - b))
})

test('a stream opened at any moment, on any replica, tells the same and ends with the job', async () => {
  const jobId = await makeJob(hasty, { type: 'telling', payload: { steps: 3, ms: 1_050 } })
  const [first, second] = hasty.api
  await using early = await openEventStream(eventsOf(jobId, first?.url))
  await untilRunning(hasty, jobId)
  await using proxied = await openEventStream(eventsOf(jobId))
  expect(proxied.status).toBe(200)
  expect(proxied.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  await vi.waitFor(() => expect(names(proxied.events)).toContain('job:progress'), SOON)
  // Live: the job is still running.
  expect(names(proxied.events)).not.toContain('job:finished')
  await Promise.all([early.ended, proxied.ended])
  await using late = await openEventStream(eventsOf(jobId, second?.url))
  await late.ended
  expect(names(late.events)).toEqual([
    'job:created',
    'job:started',
    'job:progress',
    'job:progress',
    'job:progress',
    'job:finished',
  ])
  expect(late.events[3]).toMatchObject({ data: { job_id: jobId, message: 'step 2', data: { step: 2 } } })
  expect(late.events.at(-1)).toMatchObject({ data: { result: { told: 3 } } })
  expect(early.events).toEqual(late.events)
  expect(proxied.events).toEqual(late.events)
})

test('a stream goes on after any event without gap or repeat, and is not opened again when all was told', async () => {
  const jobId = await makeJob(hasty, { type: 'telling', payload: { steps: 2, ms: 1_050 } })
  await using whole = await openEventStream(eventsOf(jobId))
  await whole.ended
  for (const [n, { id }] of whole.events.entries()) {
    const isLast = n === whole.events.length - 1
    await using rest = await openEventStream(eventsOf(jobId), id)
    expect(rest.status).toBe(isLast ? 204 : 200)
    await rest.ended
    expect(ids(rest.events)).toEqual(ids(whole.events).slice(n + 1))
  }
})

test('a stream that breaks with its replica goes on at another, from the last event seen', async () => {
  const jobId = await makeJob(hasty, { type: 'telling', payload: { steps: 4, ms: 1_050 } })
  const added = await hasty.addApi()
  await using broken = await openEventStream(eventsOf(jobId, added.url))
  await vi.waitFor(() => expect(names(broken.events)).toContain('job:progress'), SOON)
  added.kill('SIGKILL')
  await broken.ended
  await using rest = await openEventStream(eventsOf(jobId), broken.events.at(-1)?.id)
  await rest.ended
  await using whole = await openEventStream(eventsOf(jobId))
  await whole.ended
  expect([...broken.events, ...rest.events]).toEqual(whole.events)
})

test('a replica that stops ends its streams, which would keep it otherwise', async () => {
  const jobId = await makeJob(hasty, { type: 'moody', delay_ms: 3_600_000 })
  const added = await hasty.addApi()
  await using stream = await openEventStream(eventsOf(jobId, added.url))
  await vi.waitFor(() => expect(names(stream.events)).toEqual(['job:scheduled']), SOON)
  // The second request is read when the first has its answer, which is when the replica stops.
  const busy = connect(added.port, '127.0.0.1')
  const head = (path: string, header: string) => `GET ${path} HTTP/1.1\r\nHost: hasty\r\n${header}\r\n\r\n`
  busy.write(head(`/v1/jobs/${jobId}`, 'Prefer: wait=60') + head('/v1/events', 'Accept: text/event-stream'))
  let answers = ''
  busy.setEncoding('utf8').on('data', (text: string) => (answers += text))
  // The first request is there once a later one has been answered.
  expect((await getFrom(`${added.url}/v1/jobs/${jobId}`)).status).toBe(200)
  const startedMs = performance.now()
  added.kill('SIGTERM')
  expect(await added.exited()).toEqual({ code: 0, signal: null })
  expect(performance.now() - startedMs).toBeLessThan(3_000)
  expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
  await stream.ended
})

test('the stream of all jobs tells every event of 200 jobs once, in order, and of one type alone where asked', async () => {
  await using all = await openEventStream(`${hasty.url}/v1/events`)
  await using sleeps = await openEventStream(`${hasty.api[1]?.url}/v1/events?type=sleep`)
  const jobs = await Promise.all(
    Array.from({ length: 200 }, (_, n) =>
      makeJob(hasty, n % 2 === 0 ? { type: 'moody' } : { type: 'sleep', payload: { ms: 1 } }),
    ),
  )
  await vi.waitFor(() => {
    expect(names(all.events).filter((name) => name === 'job:finished')).toHaveLength(200)
    expect(names(sleeps.events).filter((name) => name === 'job:finished')).toHaveLength(100)
  }, SOON)
  // A short job has no `job:started`.
  const starts = names(all.events).filter((name) => name === 'job:started')
  expect(all.events).toHaveLength(400 + starts.length)
  expect(ids(all.events)).toEqual([...new Set(ids(all.events))].toSorted((a, b) => a - b))
  expect(new Set(all.events.map(({ data }) => data['job_id']))).toEqual(new Set(jobs))
  expect(sleeps.events).toEqual(all.events.filter(({ data }) => data['type'] === 'sleep'))

  const middle = all.events[300]?.id ?? 0
  await using resumed = await openEventStream(`${hasty.url}/v1/events`, middle)
  const rest = all.events.length - 301
  await vi.waitFor(() => expect(resumed.events).toHaveLength(rest), SOON)
  expect(resumed.events).toEqual(all.events.slice(301))

  const page = await getFrom(`${hasty.url}/v1/events?last_event_id=${middle}&limit=10`)
  expect(page.body).toMatchObject({ items: all.events.slice(301, 311).map(({ data }) => data), reset: false })
  expect(page.body['last_event_id']).toBe(all.events[310]?.id)
})

test('a reader who has seen no event yet is told at once where it stands', async () => {
  const { body } = await getFrom(`${hasty.url}/v1/events?limit=1`)
  expect(body['reset']).toBe(false)
  const aborter = new AbortController()
  const headers = { accept: 'text/event-stream' }
  const response = await fetch(`${hasty.url}/v1/events?type=nobody`, { headers, signal: aborter.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('id: ')) text += (await reader?.read())?.value ?? ''
  const id = Number(/^id: (\d+)$/m.exec(text)?.[1])
  expect(id).toBeGreaterThan(0)
  aborter.abort()
  const jobId = await makeJob(hasty, { type: 'moody' })
  await using resumed = await openEventStream(`${hasty.url}/v1/events`, id)
  await vi.waitFor(() => expect(resumed.events.map(({ data }) => data['job_id'])).toContain(jobId), SOON)
  expect(names(resumed.events)).not.toContain('reset')
})

test('progress that is no JSON fails its own attempt and nothing else', async () => {
  const bystander = await makeJob(hasty, { type: 'telling', payload: { steps: 1, ms: 500 } })
  const jobId = await makeJob(hasty, { type: 'circular' })
  expect(await untilJob(hasty, jobId, { status: 'failed' })).toMatchObject({ error: { name: 'TypeError' } })
  expect(await untilJob(hasty, bystander, { status: 'finished' })).toMatchObject({ attempts: [{ attempt: 1 }] })
  for (const { running } of hasty.job) expect(running).toBe(true)
})

test('a reader that stops reading holds up nobody and is not waited for', async () => {
  const { port } = new URL(hasty.api[0]?.url ?? '')
  const silent = connect({ host: '127.0.0.1', port: Number(port) })
  silent.write('GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n')
  silent.pause()
  await using reading = await openEventStream(`${hasty.api[0]?.url}/v1/events`)
  const result = 'x'.repeat(200_000)
  const jobs = await Promise.all(
    Array.from({ length: 60 }, () => makeJob(hasty, { type: 'sleep', payload: { ms: 1, result } })),
  )
  await Promise.all(jobs.map((jobId) => untilJob(hasty, jobId, { status: 'finished' })))
  await vi.waitFor(() => expect(names(reading.events).filter((name) => name === 'job:finished')).toHaveLength(60), SOON)
  silent.destroy()
})

test.each([
  ['a query that is not known', '/v1/events?tpye=sleep', {}, 'unknown-member'],
  ['a type that is none', '/v1/events?type=No', {}, 'invalid-request'],
  ['an id that is none', '/v1/events', { 'last-event-id': 'x' }, 'invalid-header'],
  ['a limit too large', '/v1/events?limit=100000', {}, 'invalid-request'],
])('%s is refused', async (_, path, headers, code) => {
  expect(await getFrom(hasty.url + path, headers)).toMatchObject({ status: 400, body: { code } })
})

test('the events of no job are not found', async () => {
  expect(await getFrom(eventsOf('nonsense'))).toMatchObject({ status: 404, body: { code: 'job-not-found' } })
})
