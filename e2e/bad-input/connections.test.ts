import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { connectTest, readLog } from '../support/read-log.ts'
import { type Answer, openConnection } from './raw-connection.ts'
import { JSON_TYPE, job, post, request } from './requests.ts'

// A request that does not arrive within 10 s is given up. All of them are started first and checked last, so that the
// waits overlap with everything else here.
const slowRequests: { what: string; bytes: Buffer; drips: boolean }[] = [
  { what: 'only a first line', bytes: Buffer.from('POST / HTTP/1.1\r\n'), drips: false },
  { what: 'a header that stops', bytes: Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nX-Slow: '), drips: false },
  { what: 'a header byte by byte', bytes: Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nX-Slow: '), drips: true },
  { what: 'a body that stops', bytes: request('POST /', [JSON_TYPE, 'Content-Length: 50'], '{"o'), drips: false },
  {
    what: 'a chunk that stops',
    bytes: request('POST /', [JSON_TYPE, 'Transfer-Encoding: chunked'], '5\r\n{"o'),
    drips: false,
  },
  { what: 'a body byte by byte', bytes: request('POST /', [JSON_TYPE, 'Content-Length: 5000'], '{"o'), drips: true },
]

interface SlowOutcome {
  answer: Answer | null
  answeredMs: number
  closedMs: number
}

/** Sends the text and perhaps a byte four times a second, until the other side closes. */
async function sendSlowly(url: string, bytes: Buffer, drips: boolean): Promise<SlowOutcome> {
  using connection = await openConnection(url)
  const startedMs = performance.now()
  connection.write(bytes)
  const timer = drips ? setInterval(() => connection.write('x'), 250) : undefined
  const answer = await connection.read().catch(() => null)
  const answeredMs = performance.now() - startedMs
  await connection.rest
  clearInterval(timer)
  return { answer, answeredMs, closedMs: performance.now() - startedMs }
}

let hasty: Mixed<'api'>
let slowAtApi: Promise<SlowOutcome>[]
let slowAtNginx: Promise<SlowOutcome>[]
const api = () => hasty.api[0]?.url ?? ''

beforeAll(async () => {
  hasty = await startMixed(['api'], { jobs: 0, nginx: true })
  slowAtApi = slowRequests.map(({ bytes, drips }) => sendSlowly(api(), bytes, drips))
  slowAtNginx = slowRequests.slice(0, -1).map(({ bytes, drips }) => sendSlowly(hasty.url, bytes, drips))
})
afterAll(() => hasty.stop())

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

test.each(slowRequests.map(({ what }, i) => [what, i] as const))('%s is 408 at the api', async (_, i) => {
  const outcome = await slowAtApi[i]
  expect(outcome?.answer?.status).toBe(408)
  expect(outcome?.answer?.headers.get('content-type')).toBe('application/problem+json')
  expect(JSON.parse(outcome?.answer?.body ?? '')).toMatchObject({ code: 'request-timeout' })
  expect(outcome?.answeredMs).toBeGreaterThan(9_000)
  expect(outcome?.answeredMs).toBeLessThan(14_000)
  // The same for a client that never stops sending.
  expect(outcome?.closedMs).toBeLessThan(18_000)
})

// nginx has no answer for a request that never came: it closes the connection. It buffers a body that comes byte by
// byte as long as the pauses stay below 10 s, and the api sees the body only when it is whole.
test.each(slowRequests.slice(0, -1).map(({ what }, i) => [what, i] as const))('%s is closed by nginx', async (_, i) => {
  const outcome = await slowAtNginx[i]
  expect(outcome?.answer).toBeNull()
  expect(outcome?.closedMs).toBeGreaterThan(9_000)
  expect(outcome?.closedMs).toBeLessThan(14_000)
})

test('no slow sender made a job', async () => {
  const nc = await connectTest(hasty.nats.url)
  const objectIds = (await readLog(nc)).map(({ event }) => event?.object_id)
  await nc.close()
  expect(new Set(objectIds)).toEqual(new Set(['then garbage to api', 'then garbage to nginx']))
})
