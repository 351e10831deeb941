import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Hasty, startHasty } from '../support/hasty.ts'
import { openConnection, type RawConnection } from './raw-connection.ts'
import { JSON_TYPE, job, post, request } from './requests.ts'

let hasty: Hasty
beforeAll(async () => {
  hasty = await startHasty({ jobs: 0, nginx: true })
})
afterAll(() => hasty.stop())

const api = () => hasty.api[0]?.url ?? ''

const codeIn = (body: string): unknown => (JSON.parse(body) as { code?: unknown }).code

/** Sends one byte after the other until the connection is gone. */
function drip(connection: RawConnection, everyMs: number): Disposable {
  const timer = setInterval(() => connection.write('x'), everyMs)
  void connection.rest.then(() => clearInterval(timer))
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const slow: [what: string, bytes: Buffer, drips: boolean][] = [
  ['nothing but a first line', Buffer.from('POST / HTTP/1.1\r\n'), false],
  ['a header that never ends', Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nX-Slow: '), false],
  ['a header of one byte at a time', Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nX-Slow: '), true],
  ['a body that is short', request('POST /', [JSON_TYPE, 'Content-Length: 50'], '{"object_id"'), false],
  ['a chunk that is short', request('POST /', [JSON_TYPE, 'Transfer-Encoding: chunked'], '5\r\n{"o'), false],
]
const slowBody: (typeof slow)[number] = [
  'a body of one byte at a time',
  request('POST /', [JSON_TYPE, 'Content-Length: 5000'], '{"object_id":"'),
  true,
]

// Row 53: a request that does not arrive within 10 s is given up, and holds up nobody meanwhile.
describe.concurrent('a slow sender', () => {
  test.each([...slow, slowBody])('of %s is told so by the api and closed', async (_, bytes, drips) => {
    using connection = await openConnection(api())
    const startedAt = performance.now()
    connection.write(bytes)
    using _dripping = drips ? drip(connection, 250) : undefined
    expect((await fetch(`${api()}/heartbeat`)).status).toBe(200)
    const answer = await connection.read()
    expect(answer.status).toBe(408)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(codeIn(answer.body)).toBe('request-timeout')
    expect(performance.now() - startedAt).toBeGreaterThan(9_000)
    expect(performance.now() - startedAt).toBeLessThan(13_000)
    // Also one who never stops sending.
    expect(await connection.rest).toBe('')
    expect(performance.now() - startedAt).toBeLessThan(16_000)
  })

  // nginx has no answer for a request that never came: it closes. A body may drip, as long as it never stands still
  // for 10 s: nginx takes it into its buffer, and the api sees it only when it is whole.
  test.each(slow)('of %s is closed by nginx', async (_, bytes, drips) => {
    using connection = await openConnection(hasty.url)
    const startedAt = performance.now()
    connection.write(bytes)
    using _dripping = drips ? drip(connection, 250) : undefined
    expect((await fetch(`${hasty.url}/heartbeat`)).status).toBe(200)
    expect(await connection.rest).toBe('')
    expect(performance.now() - startedAt).toBeGreaterThan(9_000)
    expect(performance.now() - startedAt).toBeLessThan(13_000)
  })
})

describe.each(['api', 'nginx'] as const)('at %s', (door) => {
  const url = () => (door === 'api' ? api() : hasty.url)

  test('what is broken after a whole request does not hide its answer', async () => {
    using connection = await openConnection(url())
    connection.write(Buffer.concat([post(job(`then garbage to ${door}`)), Buffer.from('GARBAGE\r\n\r\n')]))
    expect((await connection.read()).status).toBe(201)
    const refusal = await connection.read()
    expect(refusal.headers.get('content-type')).toBe('application/problem+json')
    expect(refusal.status).toBe(door === 'api' ? 501 : 400)
    expect(await connection.rest).toBe('')
  })

  test('a client that goes on sending after its refusal still reads it', async () => {
    using connection = await openConnection(url())
    connection.write(`GARBAGE ${'x'.repeat(300_000)}`)
    connection.write('x'.repeat(300_000))
    const answer = await connection.read()
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect([400, 414, 501]).toContain(answer.status)
    await connection.rest
  })

  test('an upload far over the limit ends in 413, not in a broken connection', async () => {
    const body = job('x'.repeat(20_000_000))
    for (let i = 0; i < 5; i++) {
      const response = await fetch(url(), { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      expect(response.status).toBe(413)
      expect(await response.json()).toMatchObject({ code: 'payload-too-large' })
    }
  })

  test('a client that leaves in the middle of its body makes no job and no noise', async () => {
    const before = (await hasty.api[0]?.logs()) ?? []
    const connection = await openConnection(url())
    connection.write(request('POST /', [JSON_TYPE, 'Content-Length: 50'], '{"object_id":"left"'))
    connection[Symbol.dispose]()
    expect((await fetch(url(), { method: 'POST' })).status).toBe(400)
    const after = (await hasty.api[0]?.logs()) ?? []
    expect(after.slice(before.length).filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
  })
})
