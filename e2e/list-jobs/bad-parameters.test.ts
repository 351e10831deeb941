import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob } from '../support/jobs.ts'
import { listJobs, readStats, untilListed } from './list.ts'

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ jobs: 0 })
})
afterAll(() => hasty.stop())

const base64 = (text: string): string => Buffer.from(text).toString('base64url')

/** The query, the answer, and the parameter that is named. */
const ROWS: [query: string, code: string, parameter: string][] = [
  ['page=-1', 'unknown-member', 'page'],
  ['Status=failed', 'unknown-member', 'Status'],
  ['__proto__=1', 'unknown-member', '__proto__'],
  ['status[]=failed', 'unknown-member', 'status[]'],
  ['limit=0', 'invalid-request', 'limit'],
  ['limit=-1', 'invalid-request', 'limit'],
  ['limit=201', 'invalid-request', 'limit'],
  ['limit=1e9', 'invalid-request', 'limit'],
  ['limit=1e1', 'invalid-request', 'limit'],
  ['limit=1.5', 'invalid-request', 'limit'],
  ['limit=', 'invalid-request', 'limit'],
  ['limit=%20', 'invalid-request', 'limit'],
  ['limit=5&limit=6', 'invalid-request', 'limit'],
  ['limit=0&page=1', 'invalid-request', 'limit'],
  ['status=', 'invalid-request', 'status'],
  ['status=done', 'invalid-request', 'status'],
  ['status=failed,', 'invalid-request', 'status'],
  ['status=failed&status=FAILED', 'invalid-request', 'status'],
  ['type=', 'invalid-request', 'type'],
  ['type=A%20type', 'invalid-request', 'type'],
  ['type=a&type=b', 'invalid-request', 'type'],
  ['object_id=', 'invalid-request', 'object_id'],
  [`object_id=${'x'.repeat(513)}`, 'invalid-request', 'object_id'],
  ['object_id=a&object_id=b', 'invalid-request', 'object_id'],
  ['created_after=yesterday', 'invalid-request', 'created_after'],
  ['created_after=2026-11-22', 'invalid-request', 'created_after'],
  ['created_after=1763816400000', 'invalid-request', 'created_after'],
  ['created_before=2026-13-45T00:00:00Z', 'invalid-request', 'created_before'],
  // A plus that is not encoded is a space.
  ['created_before=2026-11-22T12:00:00+02:00', 'invalid-request', 'created_before'],
  ['tag=', 'invalid-request', 'tag'],
  ['tag=a,b', 'invalid-request', 'tag'],
  ['tag=a&tag=b', 'invalid-request', 'tag'],
  ['ended_after=1h', 'invalid-request', 'ended_after'],
  ['ended_before=2026-11-22', 'invalid-request', 'ended_before'],
  ['error=other', 'invalid-request', 'error'],
  ['attempts_min=0', 'invalid-request', 'attempts_min'],
  ['attempts_min=two', 'invalid-request', 'attempts_min'],
  ['worker=', 'invalid-request', 'worker'],
  ['tenant=', 'invalid-request', 'tenant'],
  ['id_prefix=%25', 'invalid-request', 'id_prefix'],
  ['payload/a=1&payload/a=2', 'invalid-request', 'payload'],
  ['payload/~2=1', 'invalid-request', 'payload'],
  ['payload/a=1&payload/b=1&payload/c=1&payload/d=1&payload/e=1&payload/f=1', 'invalid-request', 'payload'],
  ['payloads/a=1', 'unknown-member', 'payloads/a'],
  ['cursor=', 'invalid-request', 'cursor'],
  ['cursor=forged', 'invalid-request', 'cursor'],
  [`cursor=${'a'.repeat(201)}`, 'invalid-request', 'cursor'],
  [`cursor=${base64('xxxxxxxx1m81j18g0xxxxxxxxxxxxxxx0')}`, 'invalid-request', 'cursor'],
  [`cursor=${base64('{"id":"1m81j18g0xxxxxxxxxxxxxxx0"}')}`, 'invalid-request', 'cursor'],
  ['cursor=%00%FF', 'invalid-request', 'cursor'],
]

test.each(ROWS)('GET /v1/jobs?%s is 400 %s and names %s', async (query, code, parameter) => {
  const { status, headers, body } = await getFrom(`${hasty.url}/v1/jobs?${query}`)
  expect({ status, code: body['code'] }).toEqual({ status: 400, code })
  expect(headers.get('content-type')).toContain('application/problem+json')
  expect(body['errors']).toContainEqual({ parameter, detail: expect.any(String) as string })
  expect(body['detail']).toContain(parameter)
})

test.each(['/v1/stats', '/v1/types', '/v1/schedules', '/v1/message/workers'])(
  'GET %s takes no parameters',
  async (path) => {
    const { status, body } = await getFrom(`${hasty.url}${path}?type=sleep`)
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'unknown-member' })
  },
)

test.each(['limit=0', 'limit=201', 'limit=x', 'cursor=', 'cursor=forged', `cursor=${'a'.repeat(301)}`])(
  'a list of schedules with %s is refused',
  async (query) => {
    const { status, body } = await getFrom(`${hasty.url}/v1/schedules?${query}`)
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'invalid-request' })
  },
)

test('one job takes no parameters: whoever meant a batch must be told', async () => {
  const { status, body } = await postTo(`${hasty.url}/v1/jobs?atomic=true`, { object_id: 'no batch' })
  expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'unknown-member' })
})

test.each(['limit=0x10', 'limit=1e2', 'limit=', 'limit=1001', 'last_event_id=', 'last_event_id=-1'])(
  'GET /v1/events?%s is 400 and says what is wanted',
  async (query) => {
    const { status, body } = await getFrom(`${hasty.url}/v1/events?${query}`)
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'invalid-request' })
    expect(body['detail']).toContain('whole number')
  },
)

test('an empty store has an empty page and zeros', async () => {
  expect(await listJobs(hasty, 'status=failed')).toMatchObject({ items: [], next_cursor: null })
  const { body } = await getFrom(`${hasty.url}/v1/stats`)
  const none = { scheduled: 0, processing: 0, finished: 0, cancelled: 0, failed: 0 }
  expect(body).toMatchObject({ total: 0, by_status: none, by_type: {} })
})

test('a cursor is refused in a search with other filters, and taken whatever the limit', async () => {
  for (let n = 0; n < 4; n++) await makeJob(hasty)
  await untilListed(hasty, 'type=sleep', 4)
  const { next_cursor: cursor, items } = await listJobs(hasty, 'type=sleep&status=processing,failed&limit=2')
  const same = await listJobs(hasty, `status=failed&status=processing&type=sleep&limit=1&cursor=${cursor}`)
  expect(same.items[0]?.job_id).toBe((await listJobs(hasty, 'type=sleep&limit=3')).items[2]?.job_id)
  expect(items).toHaveLength(2)
  for (const query of [
    '',
    'type=sleep',
    'type=sleep&status=processing',
    'object_id=x',
    'type=mail&status=processing,failed',
  ])
    expect(await getFrom(`${hasty.url}/v1/jobs?${query}&cursor=${cursor}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ parameter: 'cursor' }] },
    })
})

test.each(['/v1/jobs', '/v1/stats'])('%s answers HEAD, and no method that would change something', async (path) => {
  const head = await fetch(`${hasty.url}${path}`, { method: 'HEAD' })
  expect({ status: head.status, text: await head.text() }).toEqual({ status: 200, text: '' })
  expect((await fetch(`${hasty.url}${path}`, { method: 'DELETE' })).status).toBe(405)
})

test('without the store both are 503, and answer again when it is back', async () => {
  await using other = await startInProcess({ jobs: 0 })
  const rename = (from: string, to: string) => {
    using database = new DatabaseSync(join(other.dataDir, 'jobs.sqlite'), { timeout: 20_000 })
    database.exec(['jobs', 'job_counts'].map((name) => `ALTER TABLE ${name}${from} RENAME TO ${name}${to}`).join(';'))
  }
  rename('', '_away')
  for (const path of ['/v1/jobs', '/v1/jobs?status=failed', '/v1/jobs?object_id=a', '/v1/stats'])
    expect(await getFrom(`${other.url}${path}`)).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  rename('_away', '')
  await untilListed(other, 'status=failed', 0)
  expect((await readStats(other)).total).toBe(0)
})
