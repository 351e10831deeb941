import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from './free-port.ts'
import { type Nginx, startNginx } from './nginx.ts'

// A stand-in for the api, so that only nginx is tested.
type Upstream = { server: Server; port: number }

/** The response of the open `/stream`. */
let streaming: ServerResponse | undefined

/** Number of requests for each address that dies. */
const asked = new Map<string, number>()
/** Ids of the requests that died, in their order. */
const deadIds: unknown[] = []

async function startUpstream(): Promise<Upstream> {
  const port = await freePort()
  const server = createServer({ maxHeaderSize: 64 << 10 }, (request, response) => {
    if (request.url === '/stream') {
      response.write('first')
      streaming = response
      return
    }
    const deaths = Number(/^\/dies\/(\d)/.exec(request.url ?? '')?.[1] ?? 0)
    if (request.url !== undefined && (asked.get(request.url) ?? 0) < deaths) {
      asked.set(request.url, (asked.get(request.url) ?? 0) + 1)
      deadIds.push(request.headers['hasty-request-id'])
      request.socket.destroy()
      return
    }
    const status = Number(/^\/(\d{3})$/.exec(request.url ?? '')?.[1] ?? 200)
    request.resume().on('end', () => {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7' })
      response.end(JSON.stringify({ own: status, port, headers: request.headers }))
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { server, port }
}

let dir: string
let upstreams: Upstream[]
let nginx: Nginx

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-nginx-'))
  upstreams = [await startUpstream(), await startUpstream()]
  nginx = await startNginx({ dir, upstreams: upstreams.map(({ port }) => `127.0.0.1:${port}`) })
})

afterAll(async () => {
  await nginx.stop()
  for (const { server } of upstreams) server.close()
  await rm(dir, { recursive: true, force: true })
})

/** Sends raw bytes, and reads until the answer is complete. */
function send(text: string): Promise<{ status: number; head: string; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(nginx.port, '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.once('error', reject)
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      const [head = '', body = ''] = received.split('\r\n\r\n', 2)
      if (body.length < Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.POSITIVE_INFINITY)) return
      socket.destroy()
      resolve({ status: Number(head.split(' ')[1]), head, body })
    })
  })
}

const get = (headers: string, target = '/') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`

describe('what nginx refuses itself is a problem in the words of the api', () => {
  test.each([
    ['no HTTP at all', 'GARBAGE\r\n\r\n', 400, 'malformed-request'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'malformed-request'],
    ['two Hosts', get('Host: b\r\n'), 400, 'malformed-request'],
    ['two lengths', get('Content-Length: 1\r\nContent-Length: 2\r\n'), 400, 'malformed-request'],
    ['length and chunks', get('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n'), 400, 'malformed-request'],
    ['HTTP/3.1', 'GET / HTTP/3.1\r\nHost: a\r\n\r\n', 400, 'malformed-request'],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'method-not-allowed'],
    ['an unknown method', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'not-implemented'],
    ['a body over 1 MiB', get(`Content-Length: ${(1 << 20) + 1}\r\n`), 413, 'payload-too-large'],
    ['a URL of 20 KB', get('', `/${'u'.repeat(20 << 10)}`), 414, 'uri-too-long'],
    ['a header of 17 KB', get(`big: ${'h'.repeat(17 << 10)}\r\n`), 431, 'headers-too-large'],
    ['an unknown expectation', get('Expect: 999\r\n'), 417, 'expectation-failed'],
  ])('%s', async (_, request, status, code) => {
    const answer = await send(request)
    expect(answer.status).toBe(status)
    expect(answer.head).toMatch(/content-type: application\/problem\+json/i)
    expect(answer.head).toMatch(/x-content-type-options: nosniff/i)
    expect(answer.head).not.toMatch(/nginx\//)
    const problem = JSON.parse(answer.body) as Record<string, unknown>
    expect(problem).toMatchObject({
      type: `/problems/${code}`,
      status,
      code,
      request_id: expect.stringMatching(/^\w{32}$/),
    })
  })
})

test.each([404, 400, 413, 429, 500, 502, 503])('the api’s own %d passes as it is', async (status) => {
  const response = await fetch(`${nginx.url}/${status}`)
  expect(response.status).toBe(status)
  expect(response.headers.get('retry-after')).toBe('7')
  expect(await response.json()).toMatchObject({ own: status })
})

test('requests and definitions are the workflow service’s, and without one nobody’s', async () => {
  for (const path of ['/v1/requests', '/v1/requests/x', '/v1/definitions/x?version=1']) {
    const response = await fetch(`${nginx.url}${path}`)
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ code: 'unavailable', status: 502 })
  }
  for (const path of ['/v1/requestsx', '/v1/jobs', '/requests'])
    expect((await fetch(`${nginx.url}${path}`)).status).toBe(200)
  const own = await mkdtemp(join(tmpdir(), 'hasty-nginx-'))
  const [api, workflow] = upstreams.map(({ port }) => port)
  await using both = await startNginx({
    dir: own,
    upstreams: [`127.0.0.1:${api}`],
    workflowUpstreams: [`127.0.0.1:${workflow}`],
  })
  const portFor = async (path: string) => ((await (await fetch(`${both.url}${path}`)).json()) as { port: number }).port
  expect(await Promise.all(['/v1/requests/x', '/v1/definitions'].map(portFor))).toEqual([workflow, workflow])
  expect(await portFor('/v1/jobs')).toBe(api)
  await rm(own, { recursive: true, force: true })
})

test('an api that refuses is not taken for a dead one', async () => {
  for (let i = 0; i < 4; i++) expect((await fetch(`${nginx.url}/503`)).status).toBe(503)
  expect((await fetch(`${nginx.url}/`)).status).toBe(200)
})

test('a URL of 8 KB, a header of 16 KB and a body of 1 MiB pass', async () => {
  const response = await fetch(`${nginx.url}/${'u'.repeat(8 << 10)}`, {
    method: 'POST',
    headers: { big: 'h'.repeat(16_000) },
    body: 'b'.repeat(1 << 20),
  })
  expect(response.status).toBe(200)
})

test('a streamed response arrives piece by piece', async () => {
  const response = await fetch(`${nginx.url}/stream`)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader?.read())?.value).toBe('first')
  streaming?.write('second')
  expect((await reader?.read())?.value).toBe('second')
  streaming?.end()
  expect((await reader?.read())?.done).toBe(true)
})

test('a client cannot choose its request id or its address', async () => {
  const forged = {
    'Hasty-Request-Id': 'forged',
    'X-Forwarded-For': '1.2.3.4',
    'X-Forwarded-Host': 'evil',
    Forwarded: 'for=1',
  }
  const { headers } = (await (await fetch(nginx.url, { headers: forged })).json()) as {
    headers: Record<string, string>
  }
  expect(headers['hasty-request-id']).toMatch(/^\w{32}$/)
  expect(headers['x-forwarded-for']).toBe('127.0.0.1')
  expect(headers).not.toHaveProperty('forwarded')
  expect(headers).not.toHaveProperty('x-forwarded-host')
})

test('a request whose every replica dies in the middle of it begins anew once, body and id and all', async () => {
  const own = await mkdtemp(join(tmpdir(), 'hasty-nginx-'))
  await using one = await startNginx({ dir: own, upstreams: [`127.0.0.1:${upstreams[0]?.port}`] })
  const body = JSON.stringify({ object_id: 'x'.repeat(100_000) })
  const post = (path: string) => fetch(one.url + path, { method: 'POST', body })
  const answer = await post('/dies/1')
  expect(answer.status).toBe(200)
  const { headers } = (await answer.json()) as { headers: Record<string, string> }
  expect(headers).toMatchObject({ 'content-length': String(body.length) })
  expect(headers['hasty-request-id']).toBe(deadIds.at(-1))
  const failed = await post('/dies/9')
  expect(failed.status).toBe(502)
  expect(await failed.json()).toMatchObject({ code: 'unavailable', request_id: deadIds.at(-1) })
  await rm(own, { recursive: true, force: true })
})

test('a POST goes to the other replica when one is gone, and without any the answer says when to come back', async () => {
  const [first, second] = upstreams
  first?.server.close().closeAllConnections()
  for (let i = 0; i < 4; i++) {
    const response = await fetch(nginx.url, { method: 'POST', body: '{}' })
    expect(await response.json()).toMatchObject({ port: second?.port })
  }
  second?.server.close().closeAllConnections()
  const response = await fetch(nginx.url, { method: 'POST', body: '{}' })
  expect(response.status).toBe(502)
  expect(response.headers.get('retry-after')).toBe('1')
  expect(await response.json()).toMatchObject({ code: 'unavailable', status: 502 })
})
