// `runWorker` of the client library against a real server: whatever a handler returns or throws ends its own attempt, and
// nothing else.
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  Hasty,
  type HastyOptions,
  runWorker,
  type WorkContext,
  type WorkerOptions,
  WorkFailed,
} from '../../client/index.ts'
import { send } from '../support/call.ts'
import { type Hasty as HastyServer, startInProcess } from '../support/hasty.ts'
import { startHttpTarget } from '../support/http-target.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { lasts } from '../support/lasts.ts'

let hasty: HastyServer
beforeAll(async () => {
  hasty = await startInProcess()
})
afterAll(() => hasty.stop())

/** A worker of a type of its own in this process, until it is disposed of. */
async function startHere(
  options: Pick<WorkerOptions, 'run'> & Partial<WorkerOptions>,
  client: Partial<HastyOptions> = {},
) {
  const type = `ts-${randomUUID()}`
  const registered = await send('PUT', `${hasty.url}/v1/types/${type}`, {
    runner: 'http',
    policy: { max_attempts: 1, timeout_ms: 30_000 },
  })
  expect(registered).toMatchObject({ status: 201 })
  const stopping = new AbortController()
  const working = runWorker(
    new Hasty({ url: hasty.url, ...client }).work,
    { workerId: `ts-${randomUUID()}`, types: [type], concurrency: 20, leaseS: 5, drainMs: 0, ...options },
    stopping.signal,
  )
  return {
    type,
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      await working
    },
  }
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
const cyclic: { self?: unknown } = {}
cyclic.self = cyclic

test.each<[string, unknown, string, RegExp]>([
  ['half of a surrogate pair', '\ud800', 'invalid-unicode', /refused: .*surrogate/],
  ['a member that names a prototype', JSON.parse('{"__proto__":{"a":1}}'), 'forbidden-member', /refused: .*__proto__/],
  ['100 levels', nested(100), 'too-deep', /refused: .*nested/],
  ['a number that stands for several', { a: 2 ** 53 }, 'number-out-of-range', /refused: .*\/a is the whole number/],
  ['more than a body may have', 'x'.repeat(1_100_000), 'payload-too-large', /refused: /],
  ['a bigint', 1n, 'invalid-result', /refused: it is not JSON/],
  ['a cycle', cyclic, 'invalid-result', /refused: it is not JSON/],
])('a result that cannot be stored fails its job for good: %s', async (_, result, code, message) => {
  await using worker = await startHere({ run: () => Promise.resolve(result) })
  const jobId = await makeJob(hasty, { type: worker.type })
  const { error } = await untilJob(hasty, jobId, { status: 'failed', reason: 'permanent' })
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
})

const silent = Object.assign(new Error('never read'), { name: 'Silent' })
Object.defineProperty(silent, 'message', {
  get: () => {
    throw new Error('no message')
  },
})

test.each<[string, unknown, Record<string, unknown>]>([
  ['half of a surrogate pair', new Error('bad \ud800 x'), { name: 'Error', message: 'bad \ufffd x' }],
  ['a message that throws', silent, { name: 'Silent', message: 'Silent' }],
  ['a very long message', new Error('x'.repeat(200_000)), { message: 'x'.repeat(2_000) }],
  ['null', null, { message: 'null' }],
  ['an object without a text', Object.create(null), { message: 'a value without a text' }],
  [
    'a failure with a delay that is no time',
    new WorkFailed({ message: 'later' }, { delay_ms: 0.5 }),
    { message: 'later' },
  ],
  [
    'a failure that the server refuses',
    new WorkFailed({ message: 'later' }, { delay_ms: 1e15 }),
    { message: expect.stringMatching(/^the error was refused: .*delay_ms/) as string },
  ],
])('whatever a handler throws ends its attempt: %s', async (_, thrown, error) => {
  await using worker = await startHere({ run: () => Promise.reject(thrown) })
  const jobId = await makeJob(hasty, { type: worker.type })
  expect((await untilJob(hasty, jobId, { status: 'failed', reason: 'attempts_exhausted' })).error).toMatchObject(error)
})

test('a handler that throws before it returns a promise ends its attempt', async () => {
  await using worker = await startHere({
    run: () => {
      throw new Error('at once')
    },
  })
  const jobId = await makeJob(hasty, { type: worker.type })
  const { error } = await untilJob(hasty, jobId, { status: 'failed', reason: 'attempts_exhausted' })
  expect(error).toMatchObject({ message: 'at once' })
})

test('progress that the server would refuse is an error of the handler', async () => {
  const thrown: string[] = []
  const report = (context: WorkContext) => {
    for (const [percent, data] of [[500], [Number.NaN], [-1], [1, 1n], [1, cyclic], [1, 'x'.repeat(17_000)]] as const)
      try {
        context.progress(percent, undefined, data)
      } catch (error) {
        thrown.push((error as Error).name)
      }
    return Promise.resolve(1)
  }
  await using worker = await startHere({ run: report })
  const jobId = await makeJob(hasty, { type: worker.type })
  await untilJob(hasty, jobId, { status: 'finished' })
  expect(thrown).toEqual(['RangeError', 'RangeError', 'RangeError', 'TypeError', 'TypeError', 'RangeError'])
})

test('progress that the server refuses costs no job its lease', async () => {
  await using worker = await startHere({
    run: async (context) => {
      if (context.job.payload === 'odd') context.progress(1, 'bad \ud800 x', '\ud800')
      // Longer than the lease of five seconds, and what the server waits beyond it.
      await lasts(9_000, 'a slow handler')
      return 'kept'
    },
  })
  const jobIds = [
    await makeJob(hasty, { type: worker.type, payload: 'odd' }),
    await makeJob(hasty, { type: worker.type, payload: 'quiet' }),
  ]
  for (const jobId of jobIds) await untilJob(hasty, jobId, { status: 'finished', result: 'kept' })
})

test('the end of a job that continues without the worker is told', async () => {
  const ends: string[] = []
  await using worker = await startHere({
    run: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
    onEnd: (job, status) => ends.push(`${job.job_id} ${status}`),
  })
  const jobId = await makeJob(hasty, { type: worker.type })
  await untilJob(hasty, jobId, { phase: 'running' })
  expect(await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)).toMatchObject({ status: 200 })
  await expect.poll(() => ends, { timeout: 10_000 }).toEqual([`${jobId} cancelled`])
})

test('a worker is ready once the server took its first claim, and a refused one never is', async () => {
  const ready = Promise.withResolvers<void>()
  await using _ = await startHere({ run: () => Promise.resolve(), onReady: () => ready.resolve() })
  await ready.promise
  let wasReady = false
  const refused = runWorker(
    new Hasty({ url: hasty.url }).work,
    { workerId: 'w', types: ['nope'], run: () => Promise.resolve(), onReady: () => (wasReady = true) },
    new AbortController().signal,
  )
  await expect(refused).rejects.toMatchObject({ code: 'unknown-type' })
  expect(wasReady).toBe(false)
})

test('jobs that were on their way to a worker that stops are handed back', async () => {
  const stopping = new AbortController()
  const json = (response: ServerResponse, body: unknown) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  // The first claim is answered at once, the second one never; the third asks what was on its way to the second.
  await using target = await startHttpTarget(({ path }, response, earlier) => {
    if (path !== '/v1/work') json(response, { status: 'released' })
    else if (earlier.length === 1) stopping.abort()
    else
      json(response, {
        settled: [],
        jobs: earlier.length === 0 ? [] : [{ job_id: 'j-1', lease: 'l-1' }],
        draining: false,
      })
  })
  const work = new Hasty({ url: `http://${target.host}` }).work
  await runWorker(work, { workerId: 'w', types: ['t'], run: () => Promise.resolve() }, stopping.signal)
  const calls = target.seen.map(({ path, body }) => ({ path, ...(JSON.parse(body) as { claim_id?: string }) }))
  expect(calls).toMatchObject([
    { path: '/v1/work', wait_s: 0, max: 1 },
    { path: '/v1/work', wait_s: 30, max: 1 },
    { path: '/v1/work', wait_s: 0, max: 0, claim_id: calls[1]?.claim_id },
    { path: '/v1/work/j-1/release', lease: 'l-1' },
  ])
})

test('an end that the server does not take for now is repeated for as long as the lease lives', async () => {
  await using proxy = await startHttpTarget(({ method, path, headers, body }, response, earlier) => {
    if (path.endsWith('/complete') && earlier.length < 3) response.writeHead(503).end()
    else void forward(method, path, headers, body).then(({ status, text }) => response.writeHead(status).end(text))
  })
  const errors: unknown[] = []
  await using worker = await startHere(
    { run: () => Promise.resolve('kept'), onError: (error) => errors.push(error) },
    { url: `http://${proxy.host}`, retryForMs: 0 },
  )
  const jobId = await makeJob(hasty, { type: worker.type })
  await untilJob(hasty, jobId, { status: 'finished', result: 'kept' })
  expect(errors).toMatchObject([{ status: 503 }, { status: 503 }, { status: 503 }])
})

async function forward(method: string, path: string, headers: IncomingHttpHeaders, body: string) {
  const answer = await fetch(`${hasty.url}${path}`, {
    method,
    headers: { 'content-type': headers['content-type'] ?? '' },
    ...(body === '' ? {} : { body }),
  })
  return { status: answer.status, text: await answer.text() }
}
