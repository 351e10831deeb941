import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, vi } from 'vitest'
import { Hasty as Client } from '../../client/index.ts'
import { gather } from './gather.ts'

// A client whose server does not wait, asks for strange times, or cuts its streams.

async function startServer(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    request.resume()
    answer(response, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const unavailable = { code: 'unavailable', detail: 'away', status: 503 }
/** Time within which only a few requests may come. */
const WHILE_MS = 2_500

test.concurrent('a server that answers at once is asked with pauses, and the wait ends when it should', async () => {
  await using server = await startServer((response) => json(response, 200, { job_id: 'j', status: 'processing' }))
  const client = new Client({ url: server.url })
  const startMs = performance.now()
  await expect(client.wait('j', { waitMs: WHILE_MS })).rejects.toMatchObject({ name: 'WaitTimeout' })
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(WHILE_MS - 5)
  expect(performance.now() - startMs).toBeLessThan(2 * WHILE_MS)
  expect(server.requests.length).toBeLessThanOrEqual(10)
})

test.concurrent('the end of a job is seen soon, also at a server that does not wait', async () => {
  let asked = 0
  await using server = await startServer((response) =>
    json(response, 200, { job_id: 'j', status: ++asked < 4 ? 'processing' : 'finished' }),
  )
  expect(await new Client({ url: server.url }).wait('j', { waitMs: Infinity })).toMatchObject({ status: 'finished' })
  expect(server.requests).toHaveLength(4)
})

test.concurrent.each(['0', '-5', '1e9', '0x10', 'soon', 'Thu, 01 Jan 1970 00:00:00 GMT'])(
  'Retry-After: %s makes no loop without a pause',
  async (retryAfter) => {
    await using server = await startServer((response) =>
      json(response, 503, unavailable, { 'retry-after': retryAfter }),
    )
    const client = new Client({ url: server.url, retryForMs: 1_500 })
    await expect(client.stats()).rejects.toMatchObject({ code: 'unavailable' })
    expect(server.requests.length).toBeGreaterThan(1)
    expect(server.requests.length).toBeLessThanOrEqual(10)
  },
)

test.concurrent.each(['2592000', '9'.repeat(30)])(
  'Retry-After: %s with patience without an end is waited for',
  async (retryAfter) => {
    await using server = await startServer((response) =>
      json(response, 503, unavailable, { 'retry-after': retryAfter }),
    )
    const leaving = AbortSignal.timeout(WHILE_MS)
    const asking = new Client({ url: server.url, retryForMs: Infinity }).stats({ signal: leaving })
    await expect(asking).rejects.toBe(
      await new Promise((resolve) => leaving.addEventListener('abort', () => resolve(leaving.reason))),
    )
    expect(server.requests).toHaveLength(1)
  },
)

test.concurrent.each([Infinity, 2 ** 31, 2 ** 40])(
  'tryTimeoutMs: %s is longer than an answer takes',
  async (tryTimeoutMs) => {
    await using server = await startServer((response) =>
      AbortSignal.timeout(300).addEventListener('abort', () => json(response, 200, { ok: true })),
    )
    expect(await new Client({ url: server.url, tryTimeoutMs, retryForMs: 0 }).stats()).toEqual({ ok: true })
    expect(server.requests).toHaveLength(1)
  },
)

test.concurrent('what is no number of milliseconds is refused, and never means "at once"', async () => {
  await using server = await startServer((response) => json(response, 200, { job_id: 'j', status: 'processing' }))
  for (const option of ['retryForMs', 'tryTimeoutMs'] as const)
    expect(() => new Client({ url: server.url, [option]: Number.NaN })).toThrow(`${option} must be a number`)
  const client = new Client({ url: server.url })
  await expect(client.wait('j', { waitMs: Number.NaN })).rejects.toThrow('waitMs must be a number')
  await expect(client.waitRequest('r', { waitMs: Number.NaN })).rejects.toThrow('waitMs must be a number')
  await expect(client.run('t', null, { waitMs: Number.NaN })).rejects.toThrow('waitMs must be a number')
  expect(server.requests).toHaveLength(0)
})

const openStream = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' })
const lastIds = (requests: IncomingMessage[]) => requests.map(({ headers }) => headers['last-event-id'])

test.concurrent('an id without data is where a broken stream goes on', async () => {
  const answers = ['id: 7\n\n', ':\n\nid: 9\n\nid: 8\n\n', 'id: x\n\nid: 11\nevent: job:created\ndata: {"a":1}\n\n']
  await using server = await startServer((response) => {
    const text = answers.shift()
    if (text === undefined) response.writeHead(204).end()
    else openStream(response).end(text)
  })
  const events = await gather(new Client({ url: server.url }).allEvents())
  expect(events).toEqual([{ a: 1, event: 'job:created', seq: 11 }])
  expect(lastIds(server.requests)).toEqual([undefined, '7', '9', '11'])
})

test.concurrent.each([
  ['ends at once', (_n: number) => ''],
  ['resets at once, each time', (n: number) => `id: ${n}\nevent: reset\ndata: {"first_seq":1}\n\n`],
  ['tells one event a connection', (n: number) => `id: ${n}\nevent: job:created\ndata: {}\n\n`],
  ['tells what cannot be read', (n: number) => `id: ${n}\nevent: job:created\ndata: {\n\n`],
])('a stream that %s is not opened again and again without a pause', async (_what, textOf) => {
  let n = 0
  await using server = await startServer((response) => openStream(response).end(textOf(++n)))
  const leaving = new AbortController()
  const reading = gather(new Client({ url: server.url }).allEvents({ signal: leaving.signal })).catch(() => undefined)
  const startMs = performance.now()
  await vi.waitFor(() => expect(performance.now() - startMs).toBeGreaterThan(WHILE_MS), { timeout: 20_000 })
  leaving.abort()
  await reading
  expect(server.requests.length).toBeGreaterThan(2)
  expect(server.requests.length).toBeLessThan(60)
})

test.concurrent('a whole number that was changed already, or will be, is not sent', async () => {
  await using server = await startServer((response) => json(response, 201, { job_id: 'j' }))
  const client = new Client({ url: server.url })
  const sending = client.create('task', { data: { 'a/b': [1, 2 ** 53] } })
  await expect(sending).rejects.toMatchObject({ code: 'number-out-of-range', status: 0 })
  await expect(sending).rejects.toThrow(
    '/payload/data/a~1b/1 is the whole number 9007199254740992, which JSON readers would change',
  )
  expect(server.requests).toHaveLength(0)
  await client.create('task', {
    numbers: [2 ** 53 - 1, -(2 ** 53 - 1), 0.1, 1e21, 1e300, -0],
    text: '9007199254740993',
  })
  expect(server.requests).toHaveLength(1)
})

test.concurrent('an id is sent as it was meant', async () => {
  await using server = await startServer((response) => json(response, 200, { job_id: 'j', status: 'finished' }))
  const client = new Client({ url: server.url })
  await client.get(' j\r\n')
  await client.cancel('\ufeffj\n')
  await client.getRequest('r \n')
  expect(server.requests.map(({ url }) => url)).toEqual(['/v1/jobs/j', '/v1/jobs/j/cancel', '/v1/requests/r'])
})
