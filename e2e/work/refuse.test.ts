// What the calls of HTTP workers refuse: wrong types, wrong leases, wrong rights; nothing is changed by it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readLease, writeLease } from '#shared/accept/lease.ts'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { workCalls } from './work-calls.ts'

let hasty: Hasty
let calls: ReturnType<typeof workCalls>
beforeAll(async () => {
  hasty = await startInProcess({ apis: 1, jobs: 2 })
  calls = workCalls(hasty.url)
  expect(await send('PUT', `${hasty.url}/v1/types/resize`, { runner: 'http' })).toMatchObject({ status: 201 })
})
afterAll(() => hasty.stop())

const CLAIM = { worker_id: 'w', types: ['resize'] }

test.each([
  ['no types', { worker_id: 'w', types: [] }, 400, 'invalid-request'],
  ['a worker without a name', { types: ['resize'] }, 400, 'invalid-request'],
  ['a worker with a name of two words', { ...CLAIM, worker_id: 'a b' }, 400, 'invalid-request'],
  ['a name that is a wildcard', { ...CLAIM, worker_id: '*' }, 400, 'invalid-request'],
  ['more than 100 jobs', { ...CLAIM, max: 101 }, 400, 'invalid-request'],
  ['less than no job', { ...CLAIM, max: -1 }, 400, 'invalid-request'],
  ['a wait of more than a minute', { ...CLAIM, wait_s: 61 }, 400, 'invalid-request'],
  ['a lease of 4 s', { ...CLAIM, lease_s: 4 }, 400, 'invalid-request'],
  ['an end that is two', { ...CLAIM, settle: [{ lease: 'x', complete: {}, release: {} }] }, 400, 'invalid-request'],
  ['an end that is none', { ...CLAIM, settle: [{ lease: 'x' }] }, 400, 'invalid-request'],
  ['a member that nobody knows', { ...CLAIM, wait: 1 }, 400, 'unknown-member'],
  ['a type that nobody knows', { ...CLAIM, types: ['resise'] }, 400, 'unknown-type'],
  ['a type with a handler', { ...CLAIM, types: ['sleep'] }, 409, 'wrong-runner'],
  ['a type with a handler beside another', { ...CLAIM, types: ['resize', 'sleep'] }, 409, 'wrong-runner'],
])('a claim with %s', async (_what, body, status, code) => {
  expect(await send('POST', `${hasty.url}/v1/work`, body)).toMatchObject({ status, body: { code } })
})

test.each([
  ['fail', { retry: 'x' }, '/retry', 'must be false or an object'],
  ['fail', { retry: null }, '/retry', 'must be false or an object'],
  ['fail', { retry: {} }, '/retry/delay_ms', 'is missing'],
  ['fail', { retry: { delay_ms: '5' } }, '/retry/delay_ms', 'must be a number'],
  ['release', { delay_ms: 1e300 }, '/delay_ms', 'must be at most 60000'],
] as const)('%s with %j: one sentence at the place of the fault', async (verb, body, pointer, detail) => {
  const error = verb === 'fail' ? { error: { message: 'no' } } : {}
  expect(await calls.end({ job_id: 'j', lease: 'x' }, verb, { ...error, ...body })).toMatchObject({
    status: 400,
    body: { code: 'invalid-request', detail: `${pointer}: ${detail}.`, errors: [{ pointer, detail }] },
  })
})

describe('a lease', () => {
  test('that was changed, made up, or is of another job is refused, and the job stays with its worker', async () => {
    const jobId = await makeJob(hasty, { type: 'resize' })
    const job = await calls.claimOne('resize')
    const token = readLease(job.lease)
    if (token === null) throw new Error('the lease cannot be read')
    const forged = [
      writeLease({ ...token, secret: 'another-secret-16' }),
      writeLease({ ...token, secret: 'another-secret-16', gateway_id: 'nobody' }),
      'x',
      'A'.repeat(1_000),
      Buffer.from('[]').toString('base64url'),
      Buffer.from(JSON.stringify({ ...token })).toString('base64url'),
    ]
    for (const lease of forged) {
      expect(await calls.end({ job_id: jobId, lease }, 'complete')).toMatchObject({
        status: 400,
        body: { code: 'invalid-lease' },
      })
      expect(await calls.extend(lease)).toMatchObject({ status: 'invalid' })
    }
    expect(await calls.end({ job_id: 'another', lease: job.lease }, 'complete')).toMatchObject({ status: 400 })
    for (const stale of [{ attempt: 2 }, { seq: token.seq + 1 }, { trigger: token.trigger + 1 }])
      expect(await calls.end({ job_id: jobId, lease: writeLease({ ...token, ...stale }) }, 'complete')).toMatchObject({
        status: 409,
        body: { code: 'superseded' },
      })
    expect(await readJob(hasty, jobId)).toMatchObject({ phase: 'running' })
    expect(await calls.end(job, 'complete', { result: 'mine' })).toMatchObject({ status: 200 })
    await untilJob(hasty, jobId, { status: 'finished', result: 'mine' })
  })

  test('that names a lender which is gone is found in the log by another', async () => {
    const jobId = await makeJob(hasty, { type: 'resize' })
    const job = await calls.claimOne('resize')
    const token = readLease(job.lease)
    if (token === null) throw new Error('the lease cannot be read')
    const elsewhere = { job_id: jobId, lease: writeLease({ ...token, gateway_id: 'gone-1' }) }
    expect(await calls.extend(elsewhere.lease, { percent: 10 })).toMatchObject({ status: 'ok' })
    expect(await calls.end(elsewhere, 'complete', { result: 1 })).toMatchObject({ status: 200 })
    expect(await calls.end(elsewhere, 'complete', { result: 1 })).toMatchObject({
      status: 200,
      body: { status: 'finished' },
    })
    expect(await calls.end(job, 'complete')).toMatchObject({ status: 200, body: { status: 'finished' } })
    expect(await calls.end(job, 'release')).toMatchObject({ status: 410 })
    // The lender that has the delivery was told: nothing of the type is left.
    await vi.waitFor(
      async () =>
        expect((await send('GET', `${hasty.url}/v1/types/resize`)).body).toMatchObject({ waiting: 0, running: 0 }),
      { timeout: 3_000, interval: 50 },
    )
  })
})

test('a result that is too large, or too deep, fails its job', async () => {
  const jobId = await makeJob(hasty, { type: 'resize' })
  const job = await calls.claimOne('resize')
  const answer = await calls.end(job, 'complete', { result: 'x'.repeat(600_000) })
  expect(answer).toMatchObject({ status: 200, body: { status: 'failed' } })
  await untilJob(hasty, jobId, { status: 'failed', reason: 'result_too_large' })
})

describe('a type', () => {
  const put = (name: string, body: unknown) => send('PUT', `${hasty.url}/v1/types/${name}`, body)

  const LONG = 'x'.repeat(40_000)
  test.each([
    ['Resize', { runner: 'http' }, 400, 'invalid-request'],
    ['a.b', { runner: 'http' }, 400, 'invalid-request'],
    ['resize', { runner: 'handler' }, 400, 'invalid-request'],
    ['resize', {}, 400, 'invalid-request'],
    ['resize', { runner: 'http', policy: { timeout: 1 } }, 400, 'unknown-member'],
    ['resize', { runner: 'http', policy: { internal: true } }, 400, 'unknown-member'],
    ['resize', { runner: 'http', policy: { max_crashes: -1 } }, 400, 'invalid-request'],
    ['resize', { runner: 'http', payload_schema: { $ref: '#/nowhere' } }, 400, 'invalid-request'],
    ['resize', { runner: 'http', payload_schema: { description: LONG } }, 400, 'invalid-request'],
    ['sleep', { runner: 'http' }, 409, 'wrong-runner'],
  ])('%s is refused, row %#', async (name, body, status, code) => {
    expect(await put(name, body)).toMatchObject({ status, body: { code } })
    expect(await send('GET', `${hasty.url}/v1/types/sleep`)).toMatchObject({ body: { policy: { runner: 'handler' } } })
  })

  test('is changed by the same call: later jobs have the new defaults, and its schema is held', async () => {
    const schema = { type: 'object', required: ['url'], properties: { url: { type: 'string' } } }
    expect(await put('changing', { runner: 'http' })).toMatchObject({ status: 201 })
    const body = { runner: 'http', policy: { timeout_ms: 1_234, concurrency: 3 }, payload_schema: schema }
    expect(await put('changing', body)).toMatchObject({
      status: 200,
      body: { policy: { timeout_ms: 1_234, runner: 'http' }, concurrency: 3, payload_schema: schema },
    })
    const refused = await send('POST', `${hasty.url}/v1/jobs`, { object_id: 'a', type: 'changing', payload: {} })
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid-payload' } })
    const jobId = await makeJob(hasty, { type: 'changing', payload: { url: 'x' } })
    expect(await calls.claimOne('changing')).toMatchObject({ job_id: jobId, timeout_ms: 1_234 })
  })

  test('is removed when nothing of it is left, and not before', async () => {
    expect(await put('short-lived', { runner: 'http' })).toMatchObject({ status: 201 })
    const delayed = await makeJob(hasty, { type: 'short-lived', delay_ms: 3_600_000 })
    await untilJob(hasty, delayed, { status: 'scheduled' })
    const path = `${hasty.url}/v1/types/short-lived`
    await vi.waitFor(
      async () =>
        expect(await send('DELETE', path)).toMatchObject({ status: 409, body: { code: 'type-in-use', unfinished: 1 } }),
      { timeout: 20_000 },
    )
    await send('POST', `${hasty.url}/v1/jobs/${delayed}/cancel`)
    await vi.waitFor(async () => expect(await send('DELETE', path)).toMatchObject({ status: 204 }), { timeout: 20_000 })
    expect(await send('GET', path)).toMatchObject({ status: 404, body: { code: 'unknown-type' } })
    expect(await send('DELETE', path)).toMatchObject({ status: 404 })
    expect(await send('DELETE', `${hasty.url}/v1/types/sleep`)).toMatchObject({
      status: 409,
      body: { code: 'wrong-runner' },
    })
  })

  test('that two calls try to remove at once, while a job is left, goes on as before', async () => {
    expect(await put('kept', { runner: 'http' })).toMatchObject({ status: 201 })
    const path = `${hasty.url}/v1/types/kept`
    const removing = [send('DELETE', path), send('DELETE', path)]
    await vi.waitFor(
      async () => expect((await send('GET', path)).body).toMatchObject({ policy: { switched_off: true } }),
      { timeout: 5_000 },
    )
    expect(await put('kept', { runner: 'http' })).toMatchObject({
      status: 200,
      body: { policy: { switched_off: false } },
    })
    for (const removed of removing) expect(await removed).toMatchObject({ status: 409, body: { code: 'type-in-use' } })
    const jobId = await makeJob(hasty, { type: 'kept' })
    expect(await calls.claimOne('kept')).toMatchObject({ job_id: jobId })
  })

  test('with a handler does not start beside HTTP workers of the same type', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'hasty-handlers-'))
    await writeFile(join(dir, 'resize.ts'), "export const handler = { type: 'resize', run: () => null }\n")
    await expect(hasty.addJob({ HANDLERS_DIR: dir })).rejects.toThrow(/resize is run by workers over HTTP/)
    await rm(dir, { recursive: true })
  })
})

describe('where tokens are required', () => {
  let guarded: Hasty
  const as = async (claims: Record<string, unknown>) => bearer(await tokenOf('worker', { claims }))
  beforeAll(async () => {
    guarded = await startInProcess({ jobs: 1, apiEnv: { AUTH: 'required', JWT_SECRET: SECRET } })
    const admin = await as({ scope: 'admin' })
    for (const type of ['resize', 'mail'])
      expect(await send('PUT', `${guarded.url}/v1/types/${type}`, { runner: 'http' }, admin)).toMatchObject({
        status: 201,
      })
  })
  afterAll(() => guarded.stop())

  test.each([
    ['work', { scope: 'work' }, ['resize'], 200],
    ['admin', { scope: 'admin' }, ['resize'], 200],
    ['work of that type', { scope: 'work', types: 'resize' }, ['resize'], 200],
    ['work of types in a list', { scope: 'work', types: ['mail', 'resize'] }, ['resize', 'mail'], 200],
    ['work of another type', { scope: 'work', types: 'mail' }, ['resize'], 403],
    ['work of one of two types', { scope: 'work', types: 'mail' }, ['mail', 'resize'], 403],
    ['work of no type', { scope: 'work', types: '' }, ['resize'], 403],
    ['reading and writing', {}, ['resize'], 403],
    ['work of a tenant', { scope: 'work', tenant: 'acme' }, ['resize'], 403],
  ])('a token for %s', async (_what, claims, types, status) => {
    const answer = await send('POST', `${guarded.url}/v1/work`, { worker_id: 'w', types }, await as(claims))
    expect(answer).toMatchObject({ status, body: status === 200 ? { jobs: [] } : { code: 'insufficient-scope' } })
  })

  test('a token of other types cannot end a job', async () => {
    const headers = await as({ scope: 'admin' })
    const made = await send('POST', `${guarded.url}/v1/jobs`, { object_id: 'a', type: 'resize' }, headers)
    expect(made).toMatchObject({ status: 201 })
    const job = await workCalls(guarded.url, headers).claimOne('resize')
    const other = workCalls(guarded.url, await as({ scope: 'work', types: 'mail' }))
    expect(await other.end(job, 'complete')).toMatchObject({ status: 403 })
    const settle = { worker_id: 'w', types: ['mail'], settle: [{ lease: job.lease, complete: {} }] }
    const body = await send('POST', `${guarded.url}/v1/work`, settle, await as({ scope: 'work', types: 'mail' }))
    expect(body).toMatchObject({ status: 403 })
    expect(await workCalls(guarded.url, headers).end(job, 'complete')).toMatchObject({ status: 200 })
  })
})
