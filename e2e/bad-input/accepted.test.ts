import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BODY_MAX_BYTES, BODY_MAX_DEPTH, OBJECT_ID_MAX_BYTES } from '#shared/contracts/http/jobs.ts'
import { getFrom } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { openConnection, send } from './raw-connection.ts'
import { bare, JSON_TYPE, job, nested, post, postAs, postChunks, request } from './requests.ts'

let hasty: Hasty
beforeAll(async () => {
  // Every row is sent through both routes.
  hasty = await startInProcess({ jobs: 0, nginx: true, env: { COOLDOWN_MS: '0' } })
})
afterAll(() => hasty.stop())

/** Input just inside the limits: any text is an object_id, and comes back as it was sent. */
const objectIds = [
  'x'.repeat(257),
  'x'.repeat(OBJECT_ID_MAX_BYTES),
  '😀'.repeat(OBJECT_ID_MAX_BYTES / 4),
  'a\0b',
  'a\r\nX-Injected: 1',
  '*',
  '>',
  'a..b',
  '../x',
  '../../etc/passwd',
  '<img src=x onerror=alert(1)>',
  '{"$ne":null}',
  '$where',
  '__proto__',
  "'; DROP TABLE jobs; --",
  ' ',
  '\u202e\u200b',
  '12345678901234567891',
]

const fits = (body: string) => body.padEnd(BODY_MAX_BYTES)

/** Whole requests that look odd and are valid; each creates a job for object_id `a`. */
const requests: [what: string, request: Buffer][] = [
  ['39: a byte order mark in front', post(`\ufeff${job('a')}`)],
  ['charset=UTF-8', postAs(job('a'), `${JSON_TYPE};charset=UTF-8`)],
  ['charset="utf-8"', postAs(job('a'), `${JSON_TYPE}; charset="utf-8"`)],
  ['a media type in capitals', postAs(job('a'), 'content-type: Application/JSON')],
  ['Content-Encoding: identity', post(job('a'), 'Content-Encoding: identity')],
  ['chunks', postChunks('{"object_', 'id":', '"a"}')],
  ['Expect: 100-continue', post(job('a'), 'Expect: 100-continue')],
  ['Accept: text/html, */*;q=0.1', post(job('a'), 'Accept: text/html, */*;q=0.1')],
  ['a query', request('POST /?a=b&a=c', [JSON_TYPE, 'Content-Length: 17'], job('a'))],
  ['a slash at the end', request('POST /v1/jobs/', [JSON_TYPE, 'Content-Length: 32'], job('a', ',"type":"sleep"'))],
  ['HTTP/1.0 without a Host', bare('POST / HTTP/1.0', [JSON_TYPE, 'Content-Length: 17'], job('a'))],
  ['an empty line before it', Buffer.concat([Buffer.from('\r\n'), post(job('a'))])],
  ['a body of 1 MiB', post(fits(job('a')))],
  ['a payload of 1 MiB', post(job('a', `,"payload":{"text":"${'é\\n'.repeat(250_000)}"}`))],
  ['64 levels', post(job('a', `,"payload":{"deep":${nested(BODY_MAX_DEPTH - 2)}}`))],
  ['names of old in the payload', post(job('a', ',"payload":{"constructor":1,"toString":2,"$ne":3,"a.b":4}'))],
  ['1e308, 1e-400 and -0', post(job('a', ',"payload":{"x":[1e308,1e-400,-0]}'))],
  ['both halves of a pair, escaped', post('{"object_id":"a","payload":{"x":"\\ud83d\\ude00"}}')],
  ['an Idempotency-Key with spaces and quotes', post(job('a'), 'Idempotency-Key: "a b"')],
]

describe.each(['api', 'nginx'] as const)('sent to %s', (door) => {
  const url = () => (door === 'api' ? (hasty.api[0]?.url ?? '') : hasty.url)

  test.each(objectIds)('the object_id %j is accepted and shown as it is', async (objectId) => {
    const answer = await send(url(), post(job(objectId)))
    expect(answer.status, answer.body).toBe(201)
    const { job_id } = JSON.parse(answer.body) as { job_id: string }
    expect(answer.headers.get('location')).toBe(`/${job_id}`)
    expect(answer.headers.has('x-injected')).toBe(false)
    const shown = await getFrom(`${url()}/${job_id}`)
    expect(shown.body).toMatchObject({ job_id, object_id: objectId })
    expect(shown.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff')
  })

  test.each(requests)('%s is fine', async (_, bytes) => {
    const answer = await send(url(), bytes)
    expect(answer.status, answer.body).toBe(201)
    expect(JSON.parse(answer.body)).toMatchObject({ object_id: 'a', type: 'sleep', status: 'processing' })
  })

  test('requests sent in one go are answered in their order', async () => {
    using connection = await openConnection(url())
    const ids = ['first', 'second', 'third']
    connection.write(Buffer.concat(ids.map((id) => post(job(id)))))
    for (const id of ids) expect((await connection.read()).body).toContain(`"object_id":"${id}"`)
  })

  test.each([
    ['/', 'HEAD, GET, POST'],
    ['/v1/jobs', 'POST, HEAD, GET'],
    // Any address at the root could be a job's.
    ['/heartbeat', 'HEAD, GET, DELETE'],
  ])('OPTIONS %s says what may be done', async (path, allowed) => {
    const answer = await send(url(), request(`OPTIONS ${path}`))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('allow')).toBe(allowed)
  })

  test.each([
    ['/', 405],
    ['/heartbeat', 200],
    ['/livez', 200],
    ['/readyz', 200],
    ['/metrics', 200],
    ['/nobody', 404],
  ])('HEAD %s is %d, without a body', async (path, status) => {
    using connection = await openConnection(url())
    connection.write(request(`HEAD ${path}`))
    expect(await connection.read({ toHead: true })).toMatchObject({ status, body: '' })
    connection.write(request('GET /livez'))
    expect(await connection.read()).toMatchObject({ status: 200, body: '{"status":"ok"}' })
  })
})
