// The spans of what no single call sends: batches, ticks, jobs of handlers, webhooks; and of the calls of attempts.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { type HttpTarget, startHttpTarget } from '../support/http-target.ts'
import { readJob, untilJob } from '../support/jobs.ts'
import { startReceiver, WEBHOOK_SECRET } from './receiver.ts'
import { newTrace, type Receiver, sent, type Tree, treeOf, untilTree } from './trees.ts'

const undo = new AsyncDisposableStack()
let receiver: Receiver
let target: HttpTarget
let hasty: Hasty
beforeAll(async () => {
  receiver = undo.use(await startReceiver())
  target = undo.use(await startHttpTarget(({ path }, response) => response.writeHead(path === '/no' ? 404 : 200).end()))
  const env = { HANDLERS_DIR: join(import.meta.dirname, '../handlers'), OUTBOUND_TRUSTED_HOSTS: target.host }
  hasty = undo.use(await startInProcess({ env, jobEnv: { WEBHOOK_SECRET } }))
})
afterAll(() => undo.disposeAsync())

async function post(path: string, body: unknown) {
  const client = newTrace()
  const { traceparent } = client
  const { status, body: answer } = await send('POST', `${hasty.url}${path}`, body, { traceparent })
  expect([200, 201]).toContain(status)
  return { client, answer }
}

const job = (type: string, payload: object = {}) => ({ object_id: randomUUID(), type, payload })
const ADD = { numbers: [1, 2] }

test.each([
  ['one by one', '/v1/jobs/batch'],
  ['as one', '/v1/jobs/batch?atomic=true'],
])('each job of a batch that is stored %s has a sending of its own', async (_, path) => {
  const { client } = await post(path, [job('add', ADD), job('multiply', ADD)])
  const tree = { 'POST /v1/jobs/batch': { ...sent('add'), ...sent('multiply') } }
  const spans = await untilTree(receiver, client, tree)
  const idsIn = (prefix: string) =>
    spans.filter(({ name }) => name.startsWith(prefix)).map(({ attributes }) => attributes['messaging.message.id'])
  expect(new Set(idsIn('send'))).toEqual(new Set(idsIn('process')))
  expect(new Set(idsIn('send')).size).toBe(2)
})

test('a batch that is refused as one says why', async () => {
  const client = newTrace()
  const body = [job('add', ADD), job('nobody')]
  const { status } = await send('POST', `${hasty.url}/v1/jobs/batch?atomic=true`, body, {
    traceparent: client.traceparent,
  })
  expect(status).toBe(400)
  const spans = await untilTree(receiver, client, { 'POST /v1/jobs/batch': { 'send add': {}, 'send nobody': {} } })
  const errors = spans.filter(({ name }) => name.startsWith('send')).map(({ attributes }) => attributes['error.type'])
  expect(errors).toEqual(['batch-refused', 'batch-refused'])
})

test('a tick of a schedule begins a trace, which its job names', async () => {
  const schedule = `s-${randomUUID()}`
  const body = { every_ms: 1_000, job: { type: 'add', payload: ADD } }
  expect(await send('PUT', `${hasty.url}/v1/schedules/${schedule}`, body)).toMatchObject({ status: 201 })
  const tick = await vi.waitFor(
    () => {
      const [span] = receiver.spans().filter(({ attributes }) => attributes['hasty.schedule'] === schedule)
      expect(span).toMatchObject({ name: 'send add', kind: 'producer', service: 'hasty-keeper', parentId: '' })
      return span!
    },
    { timeout: 20_000 },
  )
  await send('DELETE', `${hasty.url}/v1/schedules/${schedule}`)
  await untilTree(receiver, { traceId: tick.traceId, spanId: '' }, sent('add'))
  const jobId = String(tick.attributes['messaging.message.id'])
  expect(await readJob(hasty, jobId)).toMatchObject({ trace_id: tick.traceId })
})

test('what a handler makes is under its attempt', async () => {
  const { client } = await post('/v1/jobs', job('maker', { makes: [{ name: 'a', type: 'add', payload: ADD }] }))
  await untilTree(receiver, client, { 'POST /v1/jobs': sent('maker', sent('add')) })
})

test('a webhook is sent and processed under the attempt that ended its job', async () => {
  const callbackUrl = `http://${target.host}/hook?secret=1`
  const { client } = await post('/v1/jobs', { ...job('add', ADD), callback_url: callbackUrl })
  const call = { 'POST 127.0.0.1': {} }
  const spans = await untilTree(receiver, client, { 'POST /v1/jobs': sent('add', sent('callback', call)) })
  const [span] = spans.filter(({ kind }) => kind === 'client')
  const port = Number(target.host.split(':')[1])
  expect(span?.attributes).toEqual({
    'http.request.method': 'POST',
    'server.address': '127.0.0.1',
    'server.port': port,
    'http.response.status_code': 200,
  })
  const [hook] = target.seen.filter(({ path }) => path.startsWith('/hook'))
  expect(hook?.headers['traceparent']).toBe(`00-${client.traceId}-${span?.spanId}-01`)
  expect(JSON.stringify(spans)).not.toContain('secret')
})

test('the call of an http job is told with its status, and one that got no answer with its kind', async () => {
  const failing = { ...job('http', { url: `http://${target.host}/no`, method: 'GET' }), attempts: 1 }
  const { client, answer } = await post('/v1/jobs', failing)
  await untilJob(hasty, String(answer['job_id']), { status: 'failed' })
  const tree = (host: string): Tree => ({ 'POST /v1/jobs': sent('http', { [`GET ${host}`]: {} }) })
  const spans = await untilTree(receiver, client, tree('127.0.0.1'))
  const [refused] = spans.filter(({ kind }) => kind === 'client')
  expect(refused).toMatchObject({
    isError: true,
    attributes: { 'http.response.status_code': 404, 'error.type': '404' },
  })

  const { client: other } = await post('/v1/jobs', { ...job('http', { url: 'http://nobody.invalid/' }), attempts: 1 })
  const [silent] = (await untilTree(receiver, other, tree('nobody.invalid'))).filter(({ kind }) => kind === 'client')
  expect(silent).toMatchObject({ isError: true })
  expect(silent?.attributes).not.toHaveProperty('http.response.status_code')
})

test('TRACE_JOBS=link: attempts have traces of their own, which are linked to the sending', async () => {
  const env = { TRACE_JOBS: 'link' }
  await using other = await startInProcess({ jobEnv: env })
  const client = newTrace()
  const { traceparent } = client
  const { body } = await send('POST', `${other.url}/v1/jobs`, job('add', ADD), { traceparent })
  await untilJob(other, String(body['job_id']), { status: 'finished' })
  const [sending] = (await untilTree(receiver, client, { 'POST /v1/jobs': { 'send add': {} } })).filter(
    ({ name }) => name === 'send add',
  )
  await vi.waitFor(
    () => {
      const spans = receiver.spans().filter(({ links }) => links.some(({ spanId }) => spanId === sending?.spanId))
      const [wait] = spans.filter(({ name }) => name === 'wait add')
      expect(treeOf(spans, '')).toEqual({ 'wait add': { 'process add': {} } })
      expect(wait?.traceId).not.toBe(client.traceId)
    },
    { timeout: 20_000 },
  )
})

test('TRACE_JOBS=child: the attempt of a later round is under the call that caused it', async () => {
  const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
  await using other = await startInProcess({ jobEnv: { TRACE_JOBS: 'child', HANDLERS_DIR } })
  const failing = { ...job('moody', { bad_attempts: 1 }), attempts: 1 }
  const { body } = await send('POST', `${other.url}/v1/jobs`, failing)
  const jobId = String(body['job_id'])
  await untilJob(other, jobId, { status: 'failed' })
  const client = newTrace()
  const { traceparent } = client
  expect(await send('POST', `${other.url}/v1/jobs/${jobId}/retry`, {}, { traceparent })).toMatchObject({ status: 202 })
  await untilTree(receiver, client, { 'POST /v1/jobs/:job_id/retry': { 'process moody': {} } })
})
