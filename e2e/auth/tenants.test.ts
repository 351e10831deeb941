// Data of one tenant does not exist for another: through nginx and two apis, all in one store and one log.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { SCHEDULES_OF_TENANT_MAX, SCHEDULES_OF_TENANT_MAX_BYTES } from '#shared/contracts/http/schedules.ts'
import { oldRecord, openRecords } from '../schedules/schedule-calls.ts'
import { getFrom, postTo } from '../support/call.ts'
import { openEventStream } from '../support/event-stream.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { someAtOnce } from '../support/some-at-once.ts'
import { bearer, SECRET, tokenOf } from './tokens.ts'

type Headers = Record<string, string>

let hasty: Hasty
let acme: Headers
let umbrella: Headers
let operator: Headers

const SOON = { timeout: 20_000, interval: 25 }

beforeAll(async () => {
  hasty = await startInProcess({
    apis: 2,
    jobs: 1,
    nginx: true,
    apiEnv: { AUTH: 'required', JWT_SECRET: SECRET },
    // Every start is an event of its own.
    jobEnv: { START_GRACE_MS: '0' },
  })
  acme = bearer(await tokenOf('a', { claims: { tenant: 'acme' } }))
  umbrella = bearer(await tokenOf('u', { claims: { tenant: 'umbrella' } }))
  operator = bearer(await tokenOf('o', { claims: { scope: 'admin' } }))
})
afterAll(() => hasty.stop())

let made = 0
const make = async (headers: Headers, body: Record<string, unknown> = {}) => {
  const job = { object_id: `o-${made++}`, type: 'sleep', payload: { ms: 5 }, ...body }
  const answer = await postTo(`${hasty.url}/v1/jobs`, job, headers)
  expect(answer).toMatchObject({ status: 201 })
  return answer.body['job_id'] as string
}
const send = async (method: string, path: string, headers: Headers, body?: unknown) => {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const type: Headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(`${hasty.url}${path}`, { method, headers: { ...headers, ...type }, ...json })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}
const untilEnded = (headers: Headers, jobId: string) =>
  vi.waitFor(async () => {
    const { body } = await getFrom(`${hasty.url}/v1/jobs/${jobId}`, headers)
    expect(body['finished_at']).toEqual(expect.any(String))
    return body
  }, SOON)
const idsOf = (body: Record<string, unknown>) => (body['items'] as { job_id: string }[]).map(({ job_id }) => job_id)

test('a job is at its address for its tenant and for an operator, who see whose it is', async () => {
  const jobId = await make(acme)
  for (const headers of [acme, operator]) expect(await untilEnded(headers, jobId)).toMatchObject({ tenant: 'acme' })
})

test('for another tenant there is no such job, in the very words for an id that was never given', async () => {
  const jobId = await make(acme, { payload: { ms: 60_000 } })
  const unknown = `${jobId.slice(0, -4)}zzzz`
  const ways: [string, string, unknown?][] = [
    ['GET', '/JOB'],
    ['GET', '/v1/jobs/JOB'],
    ['GET', '/v1/jobs/JOB/events'],
    ['GET', '/v1/jobs/JOB/why'],
    ['DELETE', '/JOB'],
    ['DELETE', '/v1/jobs/JOB'],
    ['POST', '/v1/jobs/JOB/cancel', { reason: 'because' }],
    ['POST', '/v1/jobs/JOB/retry', {}],
    ['PATCH', '/v1/jobs/JOB', { delay_ms: 5 }],
  ]
  for (const [method, path, body] of ways) {
    const [foreign, none] = await Promise.all(
      [jobId, unknown].map((id) => send(method, path.replace('JOB', id), umbrella, body)),
    )
    expect(foreign).toMatchObject({ status: 404, body: { code: 'job-not-found' } })
    const said = ({ body: { request_id: _id, instance: _instance, ...rest } }: { body: Record<string, unknown> }) =>
      rest
    expect(said(foreign!)).toEqual(said(none!))
  }
  expect(await send('GET', `/v1/jobs/${jobId}`, acme)).toMatchObject({ body: { status: 'processing' } })
  expect(await send('DELETE', `/v1/jobs/${jobId}`, acme)).toMatchObject({ body: { status: 'cancelled' } })
  expect(await send('POST', `/v1/jobs/${jobId}/retry`, umbrella, {})).toMatchObject({ status: 404 })
})

test('lists, counts, redrives and cancels are of one’s own jobs', async () => {
  const mine = await make(umbrella, { object_id: 'the-same' })
  const theirs = await make(acme, { object_id: 'the-same' })
  await Promise.all([untilEnded(umbrella, mine), untilEnded(acme, theirs)])
  const { body: all } = await getFrom(`${hasty.url}/v1/jobs?object_id=the-same`, operator)
  expect(idsOf(all).toSorted()).toEqual([mine, theirs].toSorted())
  for (const query of ['', '?object_id=the-same', '?type=sleep', '?status=finished', '?status=finished&type=sleep']) {
    const { body } = await getFrom(`${hasty.url}/v1/jobs${query}`, umbrella)
    expect(idsOf(body)).toContain(mine)
    expect(idsOf(body)).not.toContain(theirs)
    expect(body['items']).toEqual(idsOf(body).map(() => expect.objectContaining({ tenant: 'umbrella' })))
  }
  const count = async (headers: Headers) => (await getFrom(`${hasty.url}/v1/stats`, headers)).body['total'] as number
  const [own, whole] = await Promise.all([count(umbrella), count(operator)])
  expect(own).toBe(idsOf((await getFrom(`${hasty.url}/v1/jobs?limit=200`, umbrella)).body).length)
  expect(whole).toBeGreaterThan(own)
  const redrive = { status: ['cancelled', 'failed'], dry_run: true, limit: 100 }
  expect(await send('POST', '/v1/redrive', umbrella, redrive)).toMatchObject({ status: 200, body: { matched: 0 } })
  expect((await send('POST', '/v1/redrive', acme, redrive)).body['matched']).toBeGreaterThan(0)
  const later = await make(acme, { object_id: 'the-same-later', delay_ms: 3_600_000 })
  const cancel = { object_id: 'the-same-later' }
  await vi.waitFor(async () =>
    expect(await send('POST', '/v1/cancel', acme, { ...cancel, dry_run: true })).toMatchObject({
      status: 200,
      body: { matched: 1 },
    }),
  )
  expect(await send('POST', '/v1/cancel', umbrella, cancel)).toMatchObject({ status: 200, body: { matched: 0 } })
  expect(await send('POST', '/v1/cancel', acme, cancel)).toMatchObject({ body: { cancelled: 1, job_ids: [later] } })
})

test('a page’s cursor is of no use to another tenant', async () => {
  for (let n = 0; n < 3; n++) await make(acme)
  const page = await vi.waitFor(async () => {
    const { body } = await getFrom(`${hasty.url}/v1/jobs?limit=1`, acme)
    expect(body['next_cursor']).toEqual(expect.any(String))
    return body
  }, SOON)
  const answer = await getFrom(`${hasty.url}/v1/jobs?limit=1&cursor=${page['next_cursor'] as string}`, umbrella)
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
})

test('an object_id is one tenant’s: its cooldown concerns nobody else, and names no foreign job', async () => {
  const mine = await make(acme, { object_id: 'order-1' })
  await make(umbrella, { object_id: 'order-1' })
  const again = await postTo(`${hasty.url}/`, { object_id: 'order-1', type: 'sleep', payload: { ms: 5 } }, acme)
  expect(again).toMatchObject({ status: 400, body: { code: 'cooldown', job_id: mine } })
})

test('an Idempotency-Key is one tenant’s', async () => {
  const keyed = (headers: Headers, object: string) =>
    postTo(
      `${hasty.url}/v1/jobs`,
      { object_id: object, type: 'sleep', payload: { ms: 5 } },
      { ...headers, 'idempotency-key': 'k-1' },
    )
  const [first, other] = [await keyed(acme, 'keyed-a'), await keyed(umbrella, 'keyed-u')]
  expect(first).toMatchObject({ status: 201 })
  expect(other).toMatchObject({ status: 201 })
  expect(other.body['job_id']).not.toBe(first.body['job_id'])
  expect((await keyed(acme, 'keyed-a')).body['job_id']).toBe(first.body['job_id'])
})

test('a live stream tells of one’s own jobs alone, from the first event to the last', async () => {
  await using mine = await openEventStream(`${hasty.url}/v1/events`, undefined, umbrella)
  await using all = await openEventStream(`${hasty.url}/v1/events`, undefined, operator)
  const ids = await Promise.all(Array.from({ length: 10 }, (_, n) => make(n % 2 === 0 ? umbrella : acme)))
  const expected = ids.filter((_, n) => n % 2 === 0)
  const ended = (stream: typeof mine) =>
    stream.events.filter(({ event }) => event === 'job:finished').map(({ data }) => data['job_id'])
  await vi.waitFor(() => expect(ended(all)).toEqual(expect.arrayContaining(ids)), SOON)
  await vi.waitFor(() => expect(ended(mine)).toEqual(expect.arrayContaining(expected)), SOON)
  const foreign = ids.filter((id) => !expected.includes(id))
  expect(mine.events.filter(({ data }) => foreign.includes(data['job_id'] as string))).toEqual([])
  expect(mine.events.filter(({ data }) => data['job_id'] === expected[0]).map(({ event }) => event)).toEqual([
    'job:created',
    'job:started',
    'job:finished',
  ])
  expect(mine.events.every(({ data }) => data['tenant'] === 'umbrella')).toBe(true)
  await using theirs = await openEventStream(`${hasty.url}/v1/jobs/${ids[1]}/events`, undefined, umbrella)
  expect(theirs.status).toBe(404)
})

test('a live stream ends when its token does', async () => {
  const short = bearer(await tokenOf('u', { claims: { tenant: 'umbrella', exp: Math.floor(Date.now() / 1000) + 2 } }))
  await using stream = await openEventStream(`${hasty.url}/v1/events`, undefined, short)
  expect(stream.status).toBe(200)
  const startedMs = Date.now()
  await stream.ended
  expect(Date.now() - startedMs).toBeLessThan(10_000)
  expect(await getFrom(`${hasty.url}/v1/jobs`, umbrella)).toMatchObject({ status: 200 })
})

test('the log’s pages leave foreign events out, and lose none of one’s own', async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, (_, n) => make(n % 2 === 0 ? umbrella : acme)))
  await Promise.all(ids.map((id) => untilEnded(operator, id)))
  const seen: { job_id: string; event: string; tenant?: string }[] = []
  let after = 0
  for (;;) {
    const { body } = await getFrom(`${hasty.url}/v1/events?limit=5&last_event_id=${after}`, umbrella)
    seen.push(...(body['items'] as typeof seen))
    if (body['last_event_id'] === after) break
    after = body['last_event_id'] as number
  }
  expect(seen.every(({ tenant }) => tenant === 'umbrella')).toBe(true)
  for (const id of ids.filter((_, n) => n % 2 === 0)) {
    expect(seen.filter(({ job_id }) => job_id === id).map(({ event }) => event)).toEqual([
      'job:created',
      'job:started',
      'job:finished',
    ])
  }
})

test('batches and waits are of one’s own', async () => {
  const batch = await postTo(
    `${hasty.url}/v1/jobs/batch?atomic=true`,
    [
      { object_id: 'b-1', type: 'sleep' },
      { object_id: 'b-2', type: 'sleep' },
    ],
    acme,
  )
  const [first] = batch.body['items'] as { job: { job_id: string } }[]
  expect(await getFrom(`${hasty.url}/v1/jobs/${first?.job.job_id}`, acme)).toMatchObject({ body: { tenant: 'acme' } })
  expect(await getFrom(`${hasty.url}/v1/jobs/${first?.job.job_id}`, umbrella)).toMatchObject({ status: 404 })
  const waited = await postTo(
    `${hasty.url}/v1/jobs`,
    { object_id: 'waited', type: 'add', payload: { numbers: [1, 2] } },
    { ...umbrella, prefer: 'wait=10' },
  )
  expect(waited).toMatchObject({ status: 200, body: { status: 'finished', result: 3, tenant: 'umbrella' } })
})

test('schedules have names of their own in each tenant, and make jobs for their tenant', async () => {
  const job = { type: 'sleep', payload: { ms: 5 } }
  for (const headers of [acme, umbrella, operator]) {
    expect(await send('PUT', '/v1/schedules/hourly', headers, { cron: '0 * * * *', job })).toMatchObject({
      status: 201,
    })
  }
  expect(await send('POST', '/v1/schedules/hourly/pause', acme)).toMatchObject({
    body: { paused: true, tenant: 'acme' },
  })
  expect(await send('GET', '/v1/schedules/hourly', umbrella)).toMatchObject({ body: { paused: false } })
  expect((await send('GET', '/v1/schedules', umbrella)).body['items']).toMatchObject([{ tenant: 'umbrella' }])
  expect((await send('GET', '/v1/schedules', operator)).body['items']).toHaveLength(3)
  const owners: unknown[] = []
  let cursor: string | null = null
  do {
    const query = cursor === null ? '' : `&cursor=${cursor}`
    const { body }: Awaited<ReturnType<typeof send>> = await send('GET', `/v1/schedules?limit=1${query}`, operator)
    owners.push(...(body['items'] as { tenant?: string }[]).map(({ tenant }) => tenant ?? null))
    cursor = body['next_cursor'] as string | null
    if (cursor !== null)
      expect(await send('GET', `/v1/schedules?cursor=${cursor}`, acme)).toMatchObject({ status: 400 })
  } while (cursor !== null)
  expect(owners).toEqual([null, 'acme', 'umbrella'])
  expect(await send('PUT', '/v1/schedules/often', umbrella, { every_ms: 1_000, job })).toMatchObject({ status: 201 })
  const ticked = await vi.waitFor(async () => {
    const { body } = await send('GET', '/v1/schedules/often', umbrella)
    expect(body['last_job_id']).toEqual(expect.any(String))
    return body['last_job_id'] as string
  }, SOON)
  expect(await untilEnded(umbrella, ticked)).toMatchObject({ tenant: 'umbrella', status: 'finished' })
  expect(await send('GET', `/v1/jobs/${ticked}`, acme)).toMatchObject({ status: 404 })
  expect(await send('DELETE', '/v1/schedules/often', acme)).toMatchObject({ status: 404 })
  const triggered = await send('POST', '/v1/schedules/often/trigger', umbrella)
  expect(await send('GET', `/v1/jobs/${triggered.body['job_id'] as string}`, acme)).toMatchObject({ status: 404 })
  expect(await send('DELETE', '/v1/schedules/often', umbrella)).toMatchObject({ status: 204 })
})

test('an operator reaches a tenant’s schedule by naming the tenant, and a tenant no other', async () => {
  const job = { type: 'sleep', payload: { ms: 5 } }
  const path = '/v1/schedules/runaway'
  expect(await send('PUT', path, acme, { cron: '0 * * * *', job })).toMatchObject({ status: 201 })
  expect(await send('GET', path, operator)).toMatchObject({ status: 404 })
  expect(await send('POST', `${path}/pause?tenant=acme`, operator)).toMatchObject({
    body: { tenant: 'acme', paused: true },
  })
  const { body } = await send('POST', `${path}/trigger?tenant=acme`, operator)
  expect(await untilEnded(acme, body['job_id'] as string)).toMatchObject({ tenant: 'acme', status: 'finished' })
  expect(await send('GET', `${path}?tenant=acme`, umbrella)).toMatchObject({ status: 400 })
  expect(await send('GET', `${path}?tenant=acme`, acme)).toMatchObject({ status: 200 })
  expect(await send('DELETE', `${path}?tenant=acme`, operator)).toMatchObject({ status: 204 })
  expect(await send('GET', path, acme)).toMatchObject({ status: 404 })
})

test('the jobs of all schedules of a tenant are limited in size, and what does not grow may still change', async () => {
  const large = bearer(await tokenOf('l', { claims: { tenant: 'large' } }))
  await using stored = await openRecords(hasty.nats.url)
  const job = { type: 'sleep', priority: 'normal', payload: { ms: 5, filling: 'x'.repeat(61_500) } } as const
  const names = Array.from({ length: Math.floor(SCHEDULES_OF_TENANT_MAX_BYTES / 62_000) }, (_, n) => `s-${n}`)
  const write = (name: string) => stored.write(oldRecord(name, Date.now(), { tenant: 'large', cron: '0 * * * *', job }))
  await Promise.all(names.map(write))
  const put = (name: string, whole: boolean, headers = large) =>
    send('PUT', `/v1/schedules/${name}`, headers, { cron: '1 * * * *', job: whole ? job : { type: 'sleep' } })
  const refused = await put('one-more', true)
  expect(refused).toMatchObject({ status: 409, body: { code: 'too-many-schedules' } })
  expect(refused.body['detail']).toMatch(
    /^The schedules of a tenant may together have at most 6291456 bytes of JSON\. D/,
  )
  expect(await put('small', false)).toMatchObject({ status: 201 })
  expect(await put('small', true)).toMatchObject({ status: 409 })
  expect(await put('s-1', true)).toMatchObject({ status: 200 })
  expect(await put('s-1', false)).toMatchObject({ status: 200 })
  expect(await put('small', true)).toMatchObject({ status: 200 })
  expect(await put('room-of-others', true, acme)).toMatchObject({ status: 201 })
})

test('one tenant takes neither all schedules nor all streams', async () => {
  const greedy = bearer(await tokenOf('g', { claims: { tenant: 'greedy' } }))
  const body = { cron: '0 * * * *', job: { type: 'sleep' } }
  await using stored = await openRecords(hasty.nats.url)
  const own = { tenant: 'greedy', cron: '0 * * * *' }
  const names = Array.from({ length: SCHEDULES_OF_TENANT_MAX }, (_, n) => `s-${n}`)
  await someAtOnce(names, (name) => stored.write(oldRecord(name, Date.now(), own)))
  const refused = await send('PUT', '/v1/schedules/one-more', greedy, body)
  expect(refused).toMatchObject({ status: 409, body: { code: 'too-many-schedules' } })
  expect(await send('PUT', '/v1/schedules/s-1', greedy, { ...body, cron: '1 * * * *' })).toMatchObject({ status: 200 })
  expect(await send('PUT', '/v1/schedules/room-for-others', acme, body)).toMatchObject({ status: 201 })

  const url = `${hasty.api[0]?.url}/v1/events`
  const streams = await Promise.all(Array.from({ length: 100 }, () => openEventStream(url, undefined, greedy)))
  expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]))
  await using oneMore = await openEventStream(url, undefined, greedy)
  expect(oneMore.status).toBe(503)
  await using another = await openEventStream(url, undefined, acme)
  expect(another.status).toBe(200)
  await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()))
  await vi.waitFor(async () => {
    await using again = await openEventStream(url, undefined, greedy)
    expect(again.status).toBe(200)
  }, SOON)
})

test('the job that delivers a webhook belongs to the tenant whose job ended', async () => {
  const jobId = await make(acme, { callback_url: 'https://receiver.example/hook' })
  await untilEnded(acme, jobId)
  const find = async (headers: Headers) =>
    (await getFrom(`${hasty.url}/v1/jobs?type=callback&object_id=callback:${jobId}:1`, headers)).body
  await vi.waitFor(async () => expect(idsOf(await find(acme))).toHaveLength(1), SOON)
  expect(idsOf(await find(umbrella))).toEqual([])
})
