import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import { eventSubject, historyFilter, type JobAddress, type JobEventName } from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { type OpenBus, openBus } from '../support/bus.ts'
import { getFrom, postTo, send } from '../support/call.ts'
import { openEventStream } from '../support/event-stream.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { type HttpTarget, startHttpTarget } from '../support/http-target.ts'
import { makeJob, readJob, untilJob, untilRunning } from '../support/jobs.ts'

// Unreadable events exist in logs of earlier versions, and may exist in those of later ones: they are put into the log
// here by hand, as a worker once stored them. No job may hang on one, whatever it is.

const undo = new AsyncDisposableStack()
let hasty: Mixed<'job'>
let bus: OpenBus
let receiver: HttpTarget

beforeAll(async () => {
  receiver = undo.use(await startHttpTarget((_request, response) => response.writeHead(204).end()))
  hasty = undo.use(
    await startMixed(['job'], {
      workflows: 1,
      env: { LEASE_MS: '1000', OUTBOUND_TRUSTED_HOSTS: receiver.host, SLEEP_MIN_MS: '60000', SLEEP_MAX_MS: '60000' },
      jobEnv: { WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` },
    }),
  )
  bus = undo.use(await openBus(hasty.nats.url))
})
afterAll(() => undo.disposeAsync())

const addressOf = (jobId: string): JobAddress => ({ type: 'sleep', priority: 'normal', job_id: jobId })

/** Stores an event behind the last one of the job, whatever its content. */
async function store(jobId: string, event: JobEventName, body: string): Promise<number> {
  const job = addressOf(jobId)
  return vi.waitFor(
    async () => {
      const last = await bus.history.last(job)
      const result = await bus.publisher.publish(
        {
          subject: eventSubject(event, job),
          body,
          nonce: newNonce(),
          conflictKey: jobId,
          expect: { seq: last?.seq ?? 0, filter: historyFilter(job) },
        },
        { deadlineMs: 5_000 },
      )
      if (result.kind !== 'stored') throw new Error('the job went on')
      return result.seq
    },
    { timeout: 20_000 },
  )
}

const failedAs = (jobId: string, error: unknown, objectId = 'o') =>
  JSON.stringify({
    event: 'job:failed',
    job_id: jobId,
    object_id: objectId,
    type: 'sleep',
    at: new Date().toISOString(),
    attempt: 1,
    worker_id: 'w',
    reason: 'permanent',
    error,
  })

const runningSleep = async (more: Record<string, unknown> = {}): Promise<string> => {
  const id = await makeJob(hasty, { type: 'sleep', ...more })
  await untilRunning(hasty, id)
  return id
}

const ENDS: [what: string, event: JobEventName, body: (id: string) => string, job: Partial<JobView>][] = [
  [
    'a list as the message',
    'job:failed',
    (id) => failedAs(id, { name: 'Error', message: ['a', 'b'] }),
    { status: 'failed', reason: 'permanent', error: { name: 'Error', message: 'a; b' } },
  ],
  ['no error', 'job:failed', (id) => failedAs(id, undefined), { status: 'failed', reason: 'unreadable' }],
  ['no JSON', 'job:failed', () => '{"event":', { status: 'failed', reason: 'unreadable' }],
  ['nothing', 'job:cancelled', () => '', { status: 'cancelled', reason: 'unreadable' }],
  [
    'members that are not there',
    'job:finished',
    () => '{"event":"job:finished"}',
    { status: 'finished', result: null },
  ],
]

test.each(ENDS)('an end with %s (%s) is the end of its job for all who ask', async (_what, event, body, expected) => {
  const id = await runningSleep({ callback_url: `http://${receiver.host}/ended` })
  const stream = await openEventStream(`${hasty.url}/v1/jobs/${id}/events`)
  const waiting = getFrom(`${hasty.url}/v1/jobs/${id}`, { prefer: 'wait=20' })
  await store(id, event, body(id))
  expect((await waiting).body).toMatchObject(expected)
  expect(await untilJob(hasty, id, expected)).toMatchObject({ attempts: [{ outcome: expected.status }] })
  const listed = await getFrom(`${hasty.url}/v1/jobs?status=${String(expected.status)}&limit=100`)
  expect((listed.body['items'] as JobView[]).map(({ job_id }) => job_id)).toContain(id)
  await expect
    .poll(() => receiver.seen.map((request) => JSON.parse(request.body) as { type: string; data: JobView }), {
      timeout: 20_000,
    })
    .toContainEqual(
      expect.objectContaining({
        type: event.replace(':', '.'),
        data: expect.objectContaining({ job_id: id }) as unknown,
      }),
    )
  await stream.ended
  expect(stream.events.at(-1)?.event).toBe(event)
  expect(await send('DELETE', `${hasty.url}/v1/jobs/${id}`)).toMatchObject({ status: 409 })
  if (expected.status === 'finished') return
  expect(await send('POST', `${hasty.url}/v1/jobs/${id}/retry`)).toMatchObject({ status: 202 })
  await untilRunning(hasty, id)
  expect(await send('DELETE', `${hasty.url}/v1/jobs/${id}`)).toMatchObject({ status: 200 })
})

test.each<[JobEventName, string]>([
  ['job:progress', '{"event":"job:progress","message":'],
  ['job:retrying', '[]'],
  ['job:released', 'null'],
])('a job whose last event (%s) cannot be read shows that, and can be cancelled', async (event, body) => {
  const id = await runningSleep()
  const seq = await store(id, event, body)
  await expect
    .poll(async () => (await readJob(hasty, id)).status, { timeout: 20_000 })
    .toBe(event === 'job:retrying' ? 'failed' : 'processing')
  const { body: history } = await getFrom(`${hasty.url}/v1/jobs/${id}/events`)
  expect(history['items']).toContainEqual(expect.objectContaining({ seq, event: 'unreadable' }))
  if (event === 'job:retrying') return
  expect(await send('DELETE', `${hasty.url}/v1/jobs/${id}`)).toMatchObject({
    status: 200,
    body: { status: 'cancelled' },
  })
})

test('a job whose last event nobody can read ends when its worker is gone', async () => {
  const id = await runningSleep()
  await store(id, 'job:progress', '{"event":"job:progress","message":')
  const [worker] = hasty.job
  worker!.kill('SIGKILL')
  await worker!.exited()
  await worker!.restart()
  expect(await untilJob(hasty, id, { status: 'failed' })).toMatchObject({
    reason: 'unreadable',
    error: { name: 'Unreadable', message: expect.stringMatching(/^message \d+ of the log/) as unknown },
  })
})

test.each<[string, JobEventName, (id: string, objectId: string) => string, string]>([
  ['a list as the message', 'job:failed', (id, objectId) => failedAs(id, { message: ['a', 'b'] }, objectId), 'a; b'],
  ['no JSON', 'job:failed', () => '{', 'cannot be read'],
  ['a result that is no JSON', 'job:finished', () => '{', 'cannot be read'],
])('a request whose job ended with %s fails, and can be retried', async (_what, event, body, message) => {
  const url = `${hasty.workflow[0]!.url}/v1/requests`
  const made = await postTo(url, { steps: [{ name: 'a', jobs: [{ name: 'x', type: 'sleep' }] }] })
  const request = `${url}/${String(made.body['request_id'])}`
  const jobId = await vi.waitFor(
    async () => {
      const { steps } = (await getFrom(request)).body as { steps: { jobs: { job_id: string | null }[] }[] }
      const id = steps[0]?.jobs[0]?.job_id
      expect(id).toEqual(expect.any(String))
      return id as string
    },
    { timeout: 20_000 },
  )
  const { object_id: objectId } = await untilRunning(hasty, jobId)
  await store(jobId, event, body(jobId, objectId))
  await expect
    .poll(async () => (await getFrom(request)).body, { timeout: 20_000 })
    .toMatchObject({ status: 'failed', error: { message: expect.stringContaining(message) as unknown } })
  expect(await send('POST', `${request}/retry`)).toMatchObject({ status: 202 })
  expect(await send('POST', `${request}/cancel`)).toMatchObject({ status: 200 })
})
