import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ApiAnswer, getFrom, postTo } from '../support/call.ts'
import { type Hasty, startMixed } from '../support/hasty.ts'
import { type HttpTarget, startHttpTarget } from '../support/http-target.ts'

// `http`, `add` and `multiply` jobs through the real services; the target is named by SERVICES and OUTBOUND_TRUSTED_HOSTS.

const HUGE_BYTES = 300_000
const undo = new AsyncDisposableStack()
let hasty: Hasty
let target: HttpTarget
let nextObject = 0

beforeAll(async () => {
  target = undo.use(
    await startHttpTarget((request, response, earlier) => {
      const path = request.path.split('?', 1)[0]
      const json = { 'content-type': 'application/json', etag: '"1"', 'set-cookie': 'a=b' }
      if (path === '/base/ok') response.writeHead(201, json).end('{"said":"yes","list":[1,2]}')
      else if (path === '/long-id') response.writeHead(200, json).end('\ufeff{"id":1970670598291982290}')
      else if (path === '/marked') response.writeHead(200, json).end('\ufeff{"id":7}')
      else if (path === '/at-once' && earlier.length === 0) response.writeHead(503, { 'retry-after': '0' }).end('now')
      else if (path === '/text') response.end('just text')
      else if (path === '/missing') response.writeHead(404).end(`no such thing ${'x'.repeat(5_000)}`)
      else if (path === '/busy' && earlier.length === 0) response.writeHead(503, { 'retry-after': '1' }).end('later')
      else if (path === '/broken' && earlier.length === 0) response.writeHead(500).end('oh')
      else if (path === '/redirect') response.writeHead(302, { location: '/text' }).end()
      else if (path === '/slow' && earlier.length === 0) response.write('{')
      else if (path === '/never') response.flushHeaders()
      else if (path === '/huge') response.end('é'.repeat(HUGE_BYTES / 2))
      else if (path === '/deep') response.writeHead(200, json).end('['.repeat(30_000))
      else response.end('"fine"')
    }),
  )
  hasty = undo.use(
    await startMixed(['job'], {
      env: { OUTBOUND_TRUSTED_HOSTS: target.host },
      jobEnv: {
        SERVICES: `shop=http://${target.host}/base, root=http://${target.host}`,
        HTTP_CALL_TIMEOUT_MS: '1000',
        // A proxy of the environment must not be used instead of the target.
        HTTP_PROXY: 'http://127.0.0.1:9',
        NODE_USE_ENV_PROXY: '1',
      },
    }),
  )
})

afterAll(() => undo.disposeAsync())

async function run(type: string, payload: unknown, more: Record<string, unknown> = {}): Promise<ApiAnswer['body']> {
  const { body } = await postTo(hasty.url, { object_id: `o${nextObject++}`, type, payload, ...more })
  expect(body).toHaveProperty('job_id')
  return vi.waitFor(
    async () => {
      const job = (await getFrom(`${hasty.url}/${String(body.job_id)}`)).body
      expect(job.status).not.toBe('processing')
      return job
    },
    { timeout: 20_000, interval: 50 },
  )
}

const url = (path: string) => `http://${target.host}${path}`
const attemptsOf = (job: ApiAnswer['body']) =>
  job.attempts as { outcome: string; error: Record<string, unknown> | null }[]

describe('an http job', () => {
  test('gets what a service answers, and the target is told which attempt of which job it is', async () => {
    const job = await run('http', {
      service: 'shop',
      path: '/ok?a=1',
      method: 'POST',
      params: { numbers: [1, 2], $set: null },
      headers: { 'X-Own': 'mine', Cookie: 'c=d' },
    })
    expect(job).toMatchObject({
      status: 'finished',
      result: {
        status: 201,
        headers: { 'content-type': 'application/json', etag: '"1"' },
        body: { said: 'yes', list: [1, 2] },
      },
    })
    expect(JSON.stringify(job.result)).not.toContain('set-cookie')
    const request = target.seen.find(({ path }) => path === '/base/ok?a=1')
    expect(request).toMatchObject({ method: 'POST', body: '{"numbers":[1,2],"$set":null}' })
    expect(request?.headers).toMatchObject({
      host: target.host,
      'content-type': 'application/json',
      'hasty-job-id': job.job_id,
      'hasty-attempt': '1',
      'hasty-fencing-token': expect.stringMatching(/^\d+$/) as unknown,
      'idempotency-key': job.job_id,
      'user-agent': expect.stringMatching(/^Hasty\/\d/) as unknown,
      'x-own': 'mine',
      cookie: 'c=d',
    })
  })

  test('sends the params of a GET as the query', async () => {
    const job = await run('http', { url: url('/text?a=1#x'), params: { q: 'a b&c', n: 2, yes: true } })
    expect(job).toMatchObject({ status: 'finished', result: { status: 200, body: 'just text' } })
    expect(target.seen.map(({ path }) => path)).toContain('/text?a=1&q=a+b%26c&n=2&yes=true')
  })

  test('fails for good on 404, with the beginning of what was said', async () => {
    const job = await run('http', { url: url('/missing') })
    expect(job).toMatchObject({ status: 'failed', reason: 'permanent', error: { code: 'http-404' } })
    const { message } = job.error as { message: string }
    expect(message).toMatch(/^the target answered 404: no such thing x+$/)
    expect(message.length).toBeLessThan(1_100)
    expect(attemptsOf(job)).toHaveLength(1)
  })

  test('comes again after the time that a 503 asks for', async () => {
    const job = await run('http', { url: url('/busy') }, { backoff: { base_ms: 20_000 } })
    expect(job).toMatchObject({ status: 'finished', result: { status: 200, body: 'fine' } })
    const [first, second] = job.attempts as { ended_at: string; started_at: string; error: unknown }[]
    expect(first?.error).toMatchObject({ code: 'http-503', message: 'the target answered 503: later' })
    const waitedMs = Date.parse(second?.started_at ?? '') - Date.parse(first?.ended_at ?? '')
    expect(waitedMs).toBeGreaterThan(900)
    expect(waitedMs).toBeLessThan(5_000)
  })

  test('keeps an answer with a number that would become another one as text, and is not stopped by a byte order mark', async () => {
    const long = await run('http', { url: url('/long-id') })
    expect(long).toMatchObject({ status: 'finished', result: { body: '{"id":1970670598291982290}' } })
    const marked = await run('http', { url: url('/marked') })
    expect(marked).toMatchObject({ status: 'finished', result: { body: { id: 7 } } })
  })

  test('does not come again at once because a 503 says 0', async () => {
    const job = await run('http', { url: url('/at-once') }, { backoff: { base_ms: 1_500, jitter: 0 } })
    const [first, second] = job.attempts as { ended_at: string; started_at: string }[]
    expect(Date.parse(second?.started_at ?? '') - Date.parse(first?.ended_at ?? '')).toBeGreaterThan(1_000)
  })

  test('comes again after a 500, and after an answer that does not end in time', async () => {
    for (const path of ['/broken', '/slow']) {
      const job = await run('http', { url: url(path) }, { backoff: { base_ms: 100 } })
      expect(job).toMatchObject({ status: 'finished', result: { body: 'fine' } })
      expect(attemptsOf(job).map(({ outcome }) => outcome)).toEqual(['retrying', 'finished'])
      expect(attemptsOf(job)[0]?.error?.code).toBe(path === '/slow' ? 'timeout' : 'http-500')
    }
  })

  test('comes again when nobody listens there, until its attempts are used up', async () => {
    await using gone = await startHttpTarget(() => undefined)
    const { host } = gone
    await gone[Symbol.asyncDispose]()
    const other = await hasty.addJob({ SERVICES: `gone=http://${host}`, JOB_SLOTS: '100' })
    try {
      await hasty.job[0]?.stop()
      const job = await run('http', { service: 'gone' }, { attempts: 2, backoff: { base_ms: 10 } })
      expect(job).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', error: { code: 'ECONNREFUSED' } })
      expect(attemptsOf(job)).toHaveLength(2)
    } finally {
      await hasty.job[0]?.restart()
      await other.stop()
    }
  })

  test("is tried again after the job's own timeout, until its attempts are used up", async () => {
    const job = await run('http', { url: url('/never') }, { timeout_ms: 300, attempts: 2, backoff: { base_ms: 10 } })
    expect(job).toMatchObject({ status: 'failed', reason: 'timeout', error: { name: 'Timeout' } })
    expect(attemptsOf(job).map(({ outcome }) => outcome)).toEqual(['retrying', 'failed'])
  })

  test('keeps 64 KiB of a larger answer, and what is nested too deeply as text', async () => {
    const huge = await run('http', { url: url('/huge') })
    expect(huge).toMatchObject({ status: 'finished', result: { truncated: true } })
    expect((huge.result as { body: string }).body).toBe('é'.repeat(32 * 1024))
    const deep = await run('http', { url: url('/deep') })
    expect(deep).toMatchObject({ status: 'finished', result: { body: '['.repeat(30_000) } })
  })

  test('does not follow a redirect', async () => {
    const job = await run('http', { url: url('/redirect') }, { attempts: 1 })
    expect(job).toMatchObject({ status: 'failed', error: { code: 'http-302' } })
    expect((job.error as { message: string }).message).toContain('redirects are not followed')
  })

  test('may not call what is private', async () => {
    const job = await run('http', { url: 'http://169.254.169.254/latest/meta-data/' })
    expect(job).toMatchObject({ status: 'failed', reason: 'permanent', error: { code: 'ssrf-blocked' } })
  })

  test.each([
    ['an unknown service', { service: 'nobody' }, 'there is no service "nobody"'],
    ['a path that climbs out', { service: 'shop', path: '/../admin' }, 'path:'],
    ['a path that climbs out in code', { service: 'shop', path: '/a/%2e%2E%2fadmin' }, 'path:'],
    ['a path that climbs out past a parameter', { service: 'shop', path: '/..;/admin' }, 'path:'],
    ['a path that names a host', { service: 'shop', path: '//evil.example.com/' }, 'path:'],
    ['a path that is a URL', { service: 'shop', path: 'http://evil.example.com/' }, 'path:'],
    ['a path that makes the host longer', { service: 'root', path: '.evil.example.com/' }, 'path:'],
    ['a path with a backslash', { service: 'shop', path: '/\\evil.example.com' }, 'path:'],
  ])('with %s fails for good', async (_, payload, message) => {
    const before = target.seen.length
    const job = await run('http', payload)
    expect(job).toMatchObject({ status: 'failed', reason: 'permanent' })
    expect((job.error as { message: string }).message).toContain(message)
    expect(target.seen).toHaveLength(before)
  })

  test.each([
    ['neither url nor service', {}],
    ['both', { url: 'http://example.com', service: 'shop' }],
    ['a path without a service', { url: 'http://example.com', path: '/a' }],
    ['params that no query can say', { url: 'http://example.com', params: { a: { b: 1 } } }],
    ['a Host header', { service: 'shop', headers: { Host: 'evil' } }],
    ['a header of ours', { service: 'shop', headers: { 'hasty-job-id': 'x' } }],
    ['a header of two lines', { service: 'shop', headers: { a: 'b\r\nc: d' } }],
    [
      '51 headers',
      { service: 'shop', headers: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`h${i}`, ''])) },
    ],
  ])('with %s never calls', async (_, payload) => {
    const before = target.seen.length
    const { status, body } = await postTo(hasty.url, { object_id: `o${nextObject++}`, type: 'http', payload })
    if (status === 201) {
      await vi.waitFor(
        async () => {
          const job = (await getFrom(`${hasty.url}/${String(body.job_id)}`)).body
          expect(job).toMatchObject({ status: 'failed', reason: 'invalid_payload' })
        },
        { timeout: 10_000 },
      )
    } else expect(body).toMatchObject({ code: 'invalid-payload' })
    expect(target.seen).toHaveLength(before)
  })
})

describe('arithmetic', () => {
  test('add and multiply give a number', async () => {
    expect(await run('add', { numbers: [1, 2, 3.5] })).toMatchObject({ status: 'finished', result: 6.5 })
    expect(await run('multiply', { numbers: [2, 3, 7] })).toMatchObject({ status: 'finished', result: 42 })
    expect(await run('add', { numbers: [0] })).toMatchObject({ status: 'finished', result: 0 })
  })

  test('a result that is no number any more fails for good', async () => {
    const message = 'the result is too large for a number'
    const failed = { status: 'failed', reason: 'permanent', error: { message } }
    expect(await run('add', { numbers: [1.7e308, 1.7e308] })).toMatchObject(failed)
    expect(await run('multiply', { numbers: [1e200, 1e200, 0] })).toMatchObject(failed)
  })

  test.each([
    [{}, 'invalid-payload'],
    [{ numbers: [] }, 'invalid-payload'],
    [{ numbers: ['1'] }, 'invalid-payload'],
    [null, 'invalid-payload'],
    [{ numbers: [1], more: 1 }, 'unknown-member'],
  ])('%j is refused', async (payload, code) => {
    const { status, body } = await postTo(hasty.url, { object_id: `o${nextObject++}`, type: 'add', payload })
    expect([status, body.code]).toEqual([400, code])
  })
})
