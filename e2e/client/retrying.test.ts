import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Hasty as Client, HastyError } from '../../client/index.ts'
import { gather } from './gather.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** A server with a scripted answer for each request in turn; the last answer repeats. */
async function startScript(answers: Answer[]) {
  const keys: (string | undefined)[] = []
  const bodies: string[] = []
  const times: number[] = []
  const server = createServer((request, response) => {
    const answer = answers[Math.min(times.length, answers.length - 1)]
    times.push(performance.now())
    keys.push(request.headers['idempotency-key'] as string | undefined)
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      bodies.push(text)
      answer?.(response, request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    bodies,
    times,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

const accepted = json(201, { job_id: 'j', object_id: 'o', type: 't', status: 'processing', created_at: 'x' })
const unavailable = json(503, { code: 'unavailable', detail: 'away', status: 503 })
const dropped: Answer = (response) => response.destroy()
const brokenOff: Answer = (response) => {
  response.writeHead(201, { 'content-length': '100' }).write('{"job_id":')
  setImmediate(() => response.destroy())
}

describe('a POST is repeated with the same key and body when', () => {
  test.each<[string, Answer]>([
    ['the connection is dropped', dropped],
    ['the answer breaks off', brokenOff],
    ['the server is away (503)', unavailable],
    ['a proxy has no server (502)', (response) => response.writeHead(502).end('<html>')],
    ['a proxy waited too long (504)', (response) => response.writeHead(504).end()],
    ['there were too many requests (429)', json(429, { code: 'rate-limited', detail: 'slower', status: 429 })],
  ])('%s', async (_, answer) => {
    await using script = await startScript([answer, answer, accepted])
    expect(await new Client({ url: script.url }).create('t', { a: 1 })).toMatchObject({ job_id: 'j' })
    expect(script.keys).toHaveLength(3)
    expect(script.keys[0]).toMatch(/^once-[0-9a-f-]{36}$/)
    expect(new Set(script.keys).size).toBe(1)
    expect(new Set(script.bodies).size).toBe(1)
  })
})

test('Retry-After is kept to, in seconds or as a date', async () => {
  const date = new Date(Date.UTC(2026, 0, 1, 0, 0, 0)).toUTCString()
  const later = new Date(Date.UTC(2026, 0, 1, 0, 0, 1)).toUTCString()
  await using script = await startScript([
    json(503, {}, { 'retry-after': '1' }),
    json(429, {}, { date, 'retry-after': later }),
    accepted,
  ])
  await new Client({ url: script.url }).create('t', null)
  const [first = 0, second = 0, third = 0] = script.times
  expect(second - first).toBeGreaterThanOrEqual(1_000)
  expect(third - second).toBeGreaterThanOrEqual(1_000)
})

test('the error of a server that stays away is the last answer, when the time is over', async () => {
  await using script = await startScript([dropped, unavailable])
  const retries: number[] = []
  const client = new Client({ url: script.url, retryForMs: 500, onRetry: ({ delayMs }) => retries.push(delayMs) })
  const startedMs = performance.now()
  await expect(client.create('t', null)).rejects.toMatchObject({ status: 503, code: 'unavailable', detail: 'away' })
  expect(performance.now() - startedMs).toBeLessThan(5_000)
  expect(retries.length).toBeGreaterThanOrEqual(2)
  expect(script.keys).toHaveLength(retries.length + 1)
})

test('nobody at all is an error without a status', async () => {
  const script = await startScript([accepted])
  await script[Symbol.asyncDispose]()
  const error: unknown = await new Client({ url: script.url, retryForMs: 0 }).stats().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(HastyError)
  expect(error).toMatchObject({ status: 0, code: 'unreachable' })
  expect((error as Error).message).toContain('ECONNREFUSED')
})

test('a server that says nothing is asked again', async () => {
  await using script = await startScript([() => undefined, accepted])
  const client = new Client({ url: script.url, tryTimeoutMs: 200 })
  expect(await client.create('t', null)).toMatchObject({ job_id: 'j' })
  expect(script.keys).toHaveLength(2)
})

test('what is refused is not repeated, and what is no answer of Hasty is said to be none', async () => {
  await using script = await startScript([
    json(400, { code: 'unknown-type', detail: 'No.' }),
    (response) => response.end('<html>'),
  ])
  const client = new Client({ url: script.url })
  await expect(client.create('t', null)).rejects.toMatchObject({ status: 400, code: 'unknown-type' })
  await expect(client.stats()).rejects.toMatchObject({ status: 200, code: 'unexpected-answer' })
  await expect(gather(client.events('j'))).rejects.toMatchObject({ code: 'unexpected-answer' })
  expect(script.keys).toHaveLength(3)
})

test('a cancel that finds cancelled what it wanted to cancel has what it wants', async () => {
  const job = { job_id: 'j', status: 'cancelled', reason: 'requested', round: 1 }
  const refused = json(409, { code: 'wrong-state', detail: 'The job is cancelled.', job })
  await using script = await startScript([dropped, refused, json(200, job)])
  expect(await new Client({ url: script.url }).cancel('j')).toEqual(job)
})

describe('refused after a try that never arrived, or whose answer was lost, is refused: only the server knows which. So', () => {
  const job = (status: string, round: number) => ({ job: { job_id: 'j', status, reason: null, round } })
  const request = (status: string) => ({ request: { request_id: 'r', status } })
  test.each<[string, (client: Client) => Promise<unknown>, Record<string, unknown>]>([
    ['a retry of a job that finished in its second round', (client) => client.retry('j'), job('finished', 2)],
    ['a retry of a job that runs in its second round', (client) => client.retry('j'), job('processing', 2)],
    ['a cancel of a job that finished', (client) => client.cancel('j'), job('finished', 1)],
    ['a retry of a completed request', (client) => client.retryRequest('r'), request('completed')],
    ['a signal to a cancelled request', (client) => client.signalRequest('r', 'go'), request('cancelled')],
    ['a signal to a completed request', (client) => client.signalRequest('r', 'go'), request('completed')],
    ['a cancel of a completed request', (client) => client.cancelRequest('r'), request('completed')],
  ])('%s throws', async (_, change, member) => {
    for (const lost of [unavailable, dropped]) {
      const refused = json(409, { code: 'wrong-state', detail: 'No.', status: 409, ...member })
      await using script = await startScript([lost, refused, json(200, Object.values(member)[0])])
      await expect(change(new Client({ url: script.url }))).rejects.toMatchObject({ code: 'wrong-state' })
      expect(script.keys).toHaveLength(2)
    }
  })
})

test('events are read however the stream is cut into pieces, and a broken one goes on after the last', async () => {
  const pieces = [
    'retry: 2000\r\n\r',
    '\n:\n\nid: 1\nevent: job:cre',
    'ated\nda',
    'ta: {"a":\ndata: 1}\n',
    '\nid: 2\neve',
  ]
  const seen: (string | undefined)[] = []
  const open: Answer = (response, request) => {
    seen.push(request.headers['last-event-id'] as string | undefined)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
  }
  await using script = await startScript([
    (response, request) => {
      open(response, request)
      const write = () => {
        const piece = pieces.shift()
        if (piece === undefined) response.destroy()
        else response.write(piece, () => setImmediate(write))
      }
      write()
    },
    (response, request) => {
      open(response, request)
      response.end('id: 1\nevent: job:created\ndata: {"a":1}\n\nid: 2\nevent: job:finished\ndata: {}\n\n')
    },
    (response, request) => {
      seen.push(request.headers['last-event-id'] as string | undefined)
      response.writeHead(204).end()
    },
  ])
  const events = await gather(new Client({ url: script.url }).events('j'))
  expect(events).toEqual([
    { a: 1, event: 'job:created', seq: 1 },
    { event: 'job:finished', seq: 2 },
  ])
  expect(seen).toEqual([undefined, '1', '2'])
})

test('a token is sent, and asked for again before each request', async () => {
  const tokens: (string | undefined)[] = []
  await using script = await startScript([
    (response, request) => {
      tokens.push(request.headers.authorization)
      response.end('{}')
    },
  ])
  let n = 0
  const client = new Client({ url: script.url, token: () => Promise.resolve(`t${n++}`) })
  await client.stats()
  await client.stats()
  expect(tokens).toEqual(['Bearer t0', 'Bearer t1'])
})
