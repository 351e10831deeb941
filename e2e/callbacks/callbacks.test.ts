import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { derivedJobId } from '#shared/ids/ids.ts'
import { type ApiAnswer, getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { type Delivered, type Receiver, startReceiver } from './receiver.ts'

// Webhooks through the real services, to a receiver that checks them with the library of Standard Webhooks.

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`
const secret = newSecret()
const oldSecret = newSecret()
const undo = new AsyncDisposableStack()
let hasty: Hasty
let receiver: Receiver
let oldReceiver: Receiver
let nextObject = 0

beforeAll(async () => {
  receiver = undo.use(
    await startReceiver(secret, ({ path }, response, earlier) => {
      if (path === '/moody' && earlier.length < 2) {
        // The second answer asks for a time; after the first one the type's backoff decides.
        response.writeHead(500, earlier.length === 0 ? {} : { 'retry-after': '1' }).end('not now')
      } else if (path === '/gone') response.writeHead(410).end('no more')
      else response.writeHead(204).end()
    }),
  )
  oldReceiver = undo.use(await startReceiver(oldSecret))
  const OUTBOUND_TRUSTED_HOSTS = `${receiver.host},${oldReceiver.host}`
  const WEBHOOK_SECRET = `${secret} ${oldSecret}`
  hasty = undo.use(await startInProcess({ env: { OUTBOUND_TRUSTED_HOSTS }, jobEnv: { WEBHOOK_SECRET } }))
})

afterAll(() => undo.disposeAsync())

async function post(body: Record<string, unknown>): Promise<ApiAnswer> {
  return postTo(hasty.url, { object_id: `o${nextObject++}`, ...body })
}

async function jobAt(jobId: string): Promise<ApiAnswer['body']> {
  return (await getFrom(`${hasty.url}/${jobId}`)).body
}

const deliveredFor = (from: Receiver, jobId: unknown): Delivered[] =>
  from.delivered.filter(({ body }) => body.data.job_id === jobId)

const callbackJobOf = (job: ApiAnswer['body']): string =>
  derivedJobId(Date.parse(String(job.finished_at)), 'callback', String(job.job_id), Number(job.round))

async function ended(jobId: string, timeout = 20_000): Promise<ApiAnswer['body']> {
  return vi.waitFor(
    async () => {
      const job = await jobAt(jobId)
      expect(['finished', 'failed', 'cancelled']).toContain(job.status)
      return job
    },
    { timeout, interval: 50 },
  )
}

const url = (path: string) => `http://${receiver.host}${path}`

describe('a webhook', () => {
  test.each([
    ['finished', { type: 'add', payload: { numbers: [1, 2] } }, { result: 3, reason: null }],
    ['failed', { type: 'add', payload: { numbers: [1.7e308, 1.7e308] } }, { result: null, reason: 'permanent' }],
    ['cancelled', { payload: { ms: 60_000 }, timeout_ms: 200 }, { result: null, reason: 'timeout' }],
  ])('tells once that a job is %s, signed', async (status, body, data) => {
    const { body: accepted } = await post({ ...body, callback_url: url(`/${status}`) })
    const jobId = String(accepted.job_id)
    const job = await ended(jobId)
    const callbackJob = await vi.waitFor(() => ended(callbackJobOf(job)), { timeout: 10_000 })
    expect(callbackJob).toMatchObject({
      type: 'callback',
      status: 'finished',
      object_id: `callback:${jobId}:1`,
      result: { status: 204 },
    })
    expect(deliveredFor(receiver, jobId)).toEqual([
      {
        webhookId: `msg_${jobId}_1`,
        path: `/${status}`,
        body: {
          type: `job.${status}`,
          timestamp: job.finished_at,
          data: expect.objectContaining({ job_id: jobId, status, round: 1, ...data }) as unknown,
        },
      },
    ])
    expect(deliveredFor(receiver, jobId)[0]?.body.data).not.toHaveProperty('payload')
    expect(receiver.refused).toEqual([])
  })

  test('is told again of another round of the job, under another id', async () => {
    const { body: accepted } = await post({ payload: { ms: 60_000 }, timeout_ms: 200, callback_url: url('/rounds') })
    const jobId = String(accepted.job_id)
    await ended(jobId)
    expect((await postTo(`${hasty.url}/v1/jobs/${jobId}/retry`, {})).status).toBe(202)
    await vi.waitFor(
      () => {
        const ids = deliveredFor(receiver, jobId).map(({ webhookId }) => webhookId)
        expect(ids).toEqual([`msg_${jobId}_1`, `msg_${jobId}_2`])
      },
      { timeout: 10_000 },
    )
    expect(deliveredFor(receiver, jobId).map(({ body }) => body.data.round)).toEqual([1, 2])
  })

  test('comes again until the receiver says yes; its job has every attempt', async () => {
    const { body: accepted } = await post({ type: 'add', payload: { numbers: [1] }, callback_url: url('/moody') })
    const job = await ended(String(accepted.job_id))
    const callbackJob = await vi.waitFor(() => ended(callbackJobOf(job), 30_000), { timeout: 40_000 })
    expect(callbackJob.status).toBe('finished')
    const attempts = callbackJob.attempts as { outcome: string; error: { code: string; message: string } | null }[]
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['retrying', 'retrying', 'finished'])
    expect(attempts[0]?.error).toMatchObject({ code: 'http-500', message: 'the target answered 500: not now' })
    // Each attempt has a new signature and the same id.
    expect(new Set(deliveredFor(receiver, job.job_id).map(({ webhookId }) => webhookId)).size).toBe(1)
    const sent = receiver.target.seen.filter(({ path }) => path === '/moody')
    expect(new Set(sent.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3)
  })

  test('is not sent again to a receiver that is gone', async () => {
    const { body: accepted } = await post({ type: 'add', payload: { numbers: [1] }, callback_url: url('/gone') })
    const job = await ended(String(accepted.job_id))
    const callbackJob = await vi.waitFor(() => ended(callbackJobOf(job)), { timeout: 10_000 })
    expect(callbackJob).toMatchObject({ status: 'failed', reason: 'permanent', error: { code: 'http-410' } })
    expect(receiver.target.seen.filter(({ path }) => path === '/gone')).toHaveLength(1)
  })

  test('is signed with the old secret too while it is changed', async () => {
    const { body } = await post({ type: 'add', payload: { numbers: [1] }, callback_url: `http://${oldReceiver.host}/` })
    await vi.waitFor(() => expect(deliveredFor(oldReceiver, body.job_id)).toHaveLength(1), { timeout: 10_000 })
    expect(oldReceiver.refused).toEqual([])
  })
})

describe('a callback_url', () => {
  test.each(['http://127.0.0.1:1/', 'http://localhost/', 'file:///etc/passwd', 'http://a@example.com/', 'x'])(
    '%s is refused',
    async (callback_url) => {
      const { status, body } = await post({ type: 'add', payload: { numbers: [1] }, callback_url })
      expect([status, body.code]).toEqual([400, 'callback-forbidden'])
    },
  )

  test('is refused where callbacks are switched off', async () => {
    const api = await hasty.addApi({ CALLBACKS: 'false' })
    const body = { object_id: 'off', type: 'add', payload: { numbers: [1] }, callback_url: url('/off') }
    const answer = await postTo(api.url, body)
    expect([answer.status, answer.body.code]).toEqual([400, 'callback-forbidden'])
    await api.stop()
  })

  test('cannot be reached around: a job of the type callback is nobody’s to post', async () => {
    const { status, body } = await post({ type: 'callback', payload: {} })
    expect([status, body.code]).toEqual([400, 'unknown-type'])
  })
})

test('without a secret nothing is sent, and the callback job says why', async () => {
  await hasty.job[0]?.stop()
  const job = await hasty.addJob({ WEBHOOK_SECRET: '' })
  try {
    const { body } = await post({ type: 'add', payload: { numbers: [1] }, callback_url: url('/unsigned') })
    const done = await ended(String(body.job_id))
    const callbackJob = await vi.waitFor(() => ended(callbackJobOf(done)), { timeout: 10_000 })
    expect(callbackJob).toMatchObject({ status: 'failed', error: { code: 'webhook-secret-missing' } })
    expect(receiver.target.seen.filter(({ path }) => path === '/unsigned')).toEqual([])
  } finally {
    await job.stop()
    await hasty.job[0]?.restart()
  }
})
