// /v1/requests and /v1/definitions have the api's own address: nginx knows which service serves them, and so does an
// api without a proxy.
import { expect, test } from 'vitest'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { getFrom, postTo } from '../support/call.ts'
import { startInProcess, startMixed } from '../support/hasty.ts'
import { getRaw } from '../workers/workers.ts'

const PAGE = 'https://app.example.com'
const PLAN = { steps: [{ name: 's', jobs: [{ name: 'j', type: 'add', payload: { numbers: [1, 2] } }] }] }
const WAITING = { steps: [{ name: 's', signal: 'go' }] }

test('an api without a proxy passes everything on, and both ask for a token', async () => {
  const env = { AUTH: 'required', JWT_SECRET: SECRET }
  await using hasty = await startInProcess({ workflows: 1, env, apiEnv: { CORS_ORIGINS: PAGE } })
  const acme = bearer(await tokenOf('a', { claims: { tenant: 'acme' } }))
  const other = bearer(await tokenOf('b', { claims: { tenant: 'other' } }))
  const requests = `${hasty.url}/v1/requests`
  for (const url of [requests, `${hasty.workflow[0]?.url}/v1/requests`])
    expect(await getFrom(url)).toMatchObject({ status: 401, body: { code: 'token-required' } })
  const reading = bearer(await tokenOf('c', { claims: { scope: 'jobs:read' } }))
  expect(await postTo(requests, PLAN, reading)).toMatchObject({ status: 403, body: { code: 'insufficient-scope' } })

  const keyed = { ...acme, 'idempotency-key': 'once', origin: PAGE }
  const made = await postTo(requests, WAITING, keyed)
  const id = String(made.body['request_id'])
  expect([made.status, made.headers.get('location')]).toEqual([201, `/v1/requests/${id}`])
  expect(made.headers.get('access-control-allow-origin')).toBe(PAGE)
  const again = await postTo(requests, WAITING, keyed)
  expect([again.body['request_id'], again.headers.get('idempotency-replayed')]).toEqual([id, 'true'])

  const address = `${requests}/${id}`
  await expect.poll(async () => (await getFrom(address, acme)).body['status'], { timeout: 20_000 }).toBe('inprogress')
  const { headers } = await getFrom(address, acme)
  const etag = headers.get('etag') ?? ''
  expect((await getFrom(address, { ...acme, 'if-none-match': etag })).status).toBe(304)
  expect((await fetch(address, { method: 'HEAD', headers: acme })).status).toBe(200)
  expect(await getFrom(address, other)).toMatchObject({ status: 404 })
  expect(await postTo(`${address}/signals/go`, {}, acme)).toMatchObject({ status: 200 })
  await expect.poll(async () => (await getFrom(address, acme)).body['status'], { timeout: 20_000 }).toBe('completed')
  expect(await getFrom(`${requests}?status=completed`, acme)).toMatchObject({ body: { items: [{ request_id: id }] } })

  const json = { ...acme, 'content-type': 'application/json' }
  const put = await fetch(`${hasty.url}/v1/definitions/d`, { method: 'PUT', headers: json, body: JSON.stringify(PLAN) })
  expect(put.status).toBe(201)
  expect(await getFrom(`${hasty.url}/v1/definitions`, acme)).toMatchObject({ body: { items: [{ name: 'd' }] } })
  const deleted = await fetch(`${hasty.url}/v1/definitions/d`, { method: 'DELETE', headers: acme })
  expect([deleted.status, await deleted.text()]).toEqual([204, ''])
})

test('what is refused is a problem like any other, with the id that its answer names', async () => {
  await using hasty = await startInProcess({ workflows: 1 })
  const requests = `${hasty.url}/v1/requests`
  const refused = async (method: string, body?: string, type = 'application/json') => {
    const answer = await fetch(requests, { method, headers: { 'content-type': type }, ...(body ? { body } : {}) })
    const problem = (await answer.json()) as Record<string, unknown>
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
    expect(problem['request_id']).toBe(answer.headers.get('x-request-id'))
    return [answer.status, problem['code']]
  }
  expect(await refused('POST', '{"stepz": 1}')).toEqual([400, 'unknown-member'])
  expect(await refused('POST', '{"steps": []}')).toEqual([400, 'invalid-plan'])
  expect(await refused('POST', '{')).toEqual([400, 'malformed-json'])
  expect(await refused('POST')).toEqual([400, 'invalid-request'])
  expect(await refused('POST', 'text', 'text/plain')).toEqual([415, 'unsupported-media-type'])
  expect(await refused('POST', 'x'.repeat(1_500_000))).toEqual([413, 'payload-too-large'])
  expect(await refused('PATCH')).toEqual([405, 'method-not-allowed'])
  for (const path of [
    '/v1/requests/%2e%2e/',
    '/v1/requests/..%2f..%2fmetrics',
    '/v1/requests/../../readyz',
    String.raw`/v1/requests/..\..\readyz`,
  ])
    expect(await getRaw(hasty.url, path)).toMatchObject({ status: 404 })
})

test('the workflow service counts each caller by its own address', async () => {
  const apiEnv = { TRUST_PROXY: 'true' }
  await using hasty = await startInProcess({ workflows: 1, apiEnv, workflowEnv: { RATE_LIMIT_PER_ADDRESS: '3' } })
  const statusFor = async (address: string) =>
    (await getFrom(`${hasty.url}/v1/requests`, { 'x-forwarded-for': address })).status
  const statuses = []
  for (let n = 0; n < 4; n++) statuses.push(await statusFor('10.0.0.1'))
  expect(statuses).toEqual([200, 200, 200, 429])
  expect(await statusFor('10.0.0.2')).toBe(200)
})

test('a replica that is gone is passed over; without any it is a 503, and an api that knows none says so', async () => {
  await using hasty = await startMixed(['workflow'], { workflows: 2 })
  const requests = `${hasty.url}/v1/requests`
  const [first, second] = hasty.workflow
  for (let n = 0; n < 4; n++) {
    if (n === 2) first?.kill('SIGKILL')
    expect(await postTo(requests, PLAN)).toMatchObject({ status: 201 })
  }
  await second?.stop()
  const answer = await postTo(requests, PLAN)
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(answer.headers.get('retry-after')).toBe('1')
  const unaware = await hasty.addApi({ WORKFLOW_URLS: '' })
  for (const path of ['requests', 'requests/x', 'definitions', 'definitions/x'])
    expect(await getFrom(`${unaware.url}/v1/${path}`)).toMatchObject({ status: 404, body: { code: 'not-found' } })
})

test('nginx goes to the workflow service itself, with an id of its own', async () => {
  await using hasty = await startInProcess({ workflows: 2, nginx: true, apiEnv: { WORKFLOW_URLS: '' } })
  const requests = `${hasty.url}/v1/requests`
  const made = await postTo(requests, PLAN, { 'hasty-request-id': 'chosen-by-the-caller' })
  expect(made.status).toBe(201)
  expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
  const address = `${requests}/${String(made.body['request_id'])}`
  await expect.poll(async () => (await getFrom(address)).body['status'], { timeout: 5_000 }).toBe('completed')
  expect(await getFrom(`${hasty.url}/v1/definitions`)).toMatchObject({ status: 200 })
  expect(await getFrom(`${hasty.url}/v1/requestsx`)).toMatchObject({ status: 404, body: { code: 'not-found' } })
  await Promise.all(hasty.workflow.map((replica) => replica.stop()))
  expect(await postTo(requests, PLAN)).toMatchObject({ status: 502, body: { code: 'unavailable' } })
  expect(await getFrom(`${hasty.url}/v1/jobs`)).toMatchObject({ status: 200 })
})
