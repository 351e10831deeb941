// A request's jobs call services of the operator, whose answers decide the outcome of each job.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { type HttpTarget, startHttpTarget } from '../support/http-target.ts'
import { run, step } from './request-calls.ts'

const undo = new AsyncDisposableStack()
let hasty: Hasty
let target: HttpTarget
let url: string

const json = { 'content-type': 'application/json' }
const HUGE = JSON.stringify({ extras: {}, result: 'x'.repeat(300_000) })

beforeAll(async () => {
  target = undo.use(
    await startHttpTarget(({ path }, response, earlier) => {
      const answers: Record<string, [number, unknown]> = {
        '/base/extras': [200, { extras: { pages: 3, gone: null }, result: { said: 'yes' } }],
        '/other': [200, { pages: 3 }],
        '/list': [201, [1, 2]],
        '/text': [200, 'no json'],
        '/missing': [404, { error: 'no such thing' }],
        '/said-failure': [200, { status: 'failure', error: 'it cannot be' }],
        '/said-success': [500, { status: 'success', extras: { a: 1 } }],
        '/said-retry': earlier.length === 0 ? [400, { status: 'retry', error: 'not yet' }] : [200, {}],
        '/broken': earlier.length === 0 ? [500, 'oh'] : [200, { result: 'fine' }],
        '/long-id': [200, '{"extras":{"id":1970670598291982290}}'],
        '/long-retry': earlier.length === 0 ? [200, '{"status":"retry","id":1970670598291982290}'] : [200, {}],
        '/bad-extras': [200, { extras: [1] }],
        '/busy': earlier.length === 0 ? [429, 'later'] : [200, {}],
      }
      const [status, body] = answers[path] ?? [200, {}]
      if (path === '/huge') response.writeHead(200, json).end(HUGE)
      else if (path === '/silent') response.flushHeaders()
      else {
        response.writeHead(status, path === '/busy' && status === 429 ? { ...json, 'retry-after': '1' } : json)
        response.end(typeof body === 'string' ? body : JSON.stringify(body))
      }
    }),
  )
  const env = {
    SERVICES: `shop=http://${target.host}/base`,
    URL_SERVICE1: `http://${target.host}`,
    HTTP_CALL_TIMEOUT_MS: '1000',
  }
  hasty = undo.use(await startInProcess({ jobs: 1, workflows: 1, env }))
  url = hasty.workflow[0]?.url ?? ''
})
afterAll(() => undo.disposeAsync())

const call = (path: string, more: Record<string, unknown> = {}) =>
  run(url, { steps: [step('one', [{ name: 'a', service: 'service1', path, backoff: { base_ms: 20 }, ...more }])] })
const jobOf = ({ steps }: RequestView) => steps[0]?.jobs[0]

test('extras with a number that would become another one fail the job, and say so; what is said otherwise counts', async () => {
  const request = await call('/long-id')
  expect(request).toMatchObject({ status: 'failed', extras: {} })
  expect(jobOf(request)).toMatchObject({ error: { code: 'invalid-answer' } })
  expect(jobOf(request)?.error?.message).toContain('/extras/id is the whole number 1970670598291982290')
  expect(await call('/long-retry')).toMatchObject({ status: 'completed' })
})

test('a service is told all that the job may know, and its extras become those of the request', async () => {
  const request = await run(url, {
    params: { width: 5 },
    extras: { gone: 1, kept: 2 },
    steps: [
      step('one', [{ name: 'a', service: 'shop', path: '/extras', payload: { at: { $value: '/params/width' } } }]),
      step('two', [{ name: 'b', service: 'service1', path: '/after' }]),
    ],
  })
  expect(request).toMatchObject({ status: 'completed', extras: { kept: 2, pages: 3 } })
  expect(request.extras).not.toHaveProperty('gone')
  const jobId = jobOf(request)?.job_id
  const seen = target.seen.find(({ path }) => path === '/base/extras')
  expect(seen?.method).toBe('POST')
  expect(JSON.parse(seen?.body ?? '')).toEqual({
    request_id: request.request_id,
    job_id: jobId,
    job: 'a',
    attempt: 1,
    params: { width: 5 },
    extras: { gone: 1, kept: 2 },
    payload: { at: 5 },
  })
  expect(seen?.headers).toMatchObject({
    'content-type': 'application/json',
    'hasty-job-id': jobId,
    'hasty-attempt': '1',
    'hasty-fencing-token': expect.stringMatching(/^\d+$/) as unknown,
    'idempotency-key': jobId,
  })
  expect(jobOf(request)?.result).toEqual({ extras: { pages: 3, gone: null }, result: { said: 'yes' } })
  expect(request.steps[0]?.extras).toEqual({ kept: 2, pages: 3 })
  const after = JSON.parse(target.seen.find(({ path }) => path === '/after')?.body ?? '') as Record<string, unknown>
  expect(after).toMatchObject({ job: 'b', extras: { kept: 2, pages: 3 } })
  expect(after).not.toHaveProperty('payload')
})

test.each<[string, unknown]>([
  ['/other', { pages: 3 }],
  ['/list', [1, 2]],
  ['/text', 'no json'],
])('what a service says otherwise is the result: %s', async (path, result) => {
  const request = await call(path)
  expect(request).toMatchObject({ status: 'completed', extras: {} })
  expect(jobOf(request)?.result).toEqual({ result })
})

test.each([
  ['/missing', { code: 'service-failure', message: 'no such thing' }],
  ['/said-failure', { code: 'service-failure', message: 'it cannot be' }],
  ['/bad-extras', { code: 'invalid-answer' }],
  ['/huge', { code: 'answer-too-large' }],
  ['/../up', { message: 'path: must not have . or .. as a segment' }],
])('%s fails for good, and the request with it', async (path, error) => {
  const request = await call(path)
  expect(request).toMatchObject({ status: 'failed', error })
  expect(jobOf(request)).toMatchObject({ status: 'failure', error, attempts: [{ attempt: 1, status: 'failure' }] })
})

test.each([
  ['/said-retry', 'not yet'],
  ['/broken', 'the target answered 500: oh'],
])('%s is tried again', async (path, message) => {
  const request = await call(path)
  expect(request.status).toBe('completed')
  expect(jobOf(request)?.attempts).toMatchObject([
    { attempt: 1, status: 'retry', error: { message } },
    { attempt: 2, status: 'completed', error: null },
  ])
})

test('a service that says success has it, whatever its status', async () => {
  expect(await call('/said-success')).toMatchObject({ status: 'completed', extras: { a: 1 } })
})

test('a service that asks for time gets it', async () => {
  const [first, second] = jobOf(await call('/busy'))?.attempts ?? []
  expect(Date.parse(second?.started_at ?? '') - Date.parse(first?.ended_at ?? '')).toBeGreaterThan(900)
})

test('a service that does not answer is asked again, until its attempts are used up', async () => {
  const request = await call('/silent', { attempts: 2 })
  expect(request).toMatchObject({ status: 'failed', error: { code: 'timeout' } })
  expect(jobOf(request)?.attempts).toHaveLength(2)
})

test('nobody but a request calls a service so', async () => {
  const { status, body } = await postTo(hasty.url, { object_id: 'o', type: 'service', payload: {} })
  expect([status, body['code']]).toEqual([400, 'unknown-type'])
})
