// Requests and definitions of one tenant do not exist for another.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { SOON } from './request-calls.ts'

type Headers = Record<string, string>

let hasty: Hasty
let acme: Headers
let umbrella: Headers
let operator: Headers

beforeAll(async () => {
  const auth = { AUTH: 'required', JWT_SECRET: SECRET }
  hasty = await startInProcess({ jobs: 1, workflows: 1, apiEnv: auth, workflowEnv: auth })
  acme = bearer(await tokenOf('a', { claims: { tenant: 'acme' } }))
  umbrella = bearer(await tokenOf('u', { claims: { tenant: 'umbrella' } }))
  operator = bearer(await tokenOf('o', { claims: { scope: 'admin' } }))
})
afterAll(() => hasty.stop())

const call = async (method: string, path: string, headers: Headers, body?: unknown) => {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const type: Headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const url = `${hasty.workflow[0]?.url}/v1/${path}`
  const response = await fetch(url, { method, headers: { ...headers, ...type }, ...json })
  const text = await response.text()
  return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}
const waiting = {
  steps: [
    { name: 'wait', signal: 'go' },
    { name: 'do', jobs: [{ name: 'a', type: 'sleep', payload: { ms: 1 } }] },
  ],
}
const make = async (headers: Headers) => {
  const { status, body } = await call('POST', 'requests', headers, waiting)
  expect(status).toBe(201)
  return body['request_id'] as string
}
const idsOf = async (headers: Headers) => {
  const { body } = await call('GET', 'requests', headers)
  return (body['items'] as { request_id: string }[]).map(({ request_id: id }) => id)
}

test("another tenant's request is none, however it is asked for", async () => {
  const id = await make(acme)
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/cancel'],
    ['POST', '/retry'],
    ['POST', '/signals/go'],
  ] as const) {
    const answer = await call(method, `requests/${id}${path}`, umbrella)
    expect(answer).toMatchObject({ status: 404, body: { code: 'request-not-found' } })
  }
  for (const headers of [acme, operator])
    expect(await call('GET', `requests/${id}`, headers)).toMatchObject({ body: { tenant: 'acme', round: 1 } })
})

test("lists are one's own, and the jobs of a request are its tenant's", async () => {
  const [own, foreign] = [await make(acme), await make(umbrella)]
  await vi.waitFor(async () => {
    expect(await idsOf(operator)).toEqual(expect.arrayContaining([own, foreign]))
  }, SOON)
  expect(await idsOf(acme)).toContain(own)
  expect(await idsOf(acme)).not.toContain(foreign)
  await call('POST', `requests/${own}/signals/go`, acme)
  const request = await vi.waitFor(async () => {
    const { body } = await call('GET', `requests/${own}`, acme)
    expect(body).toMatchObject({ status: 'completed' })
    return body as unknown as { steps: { jobs: { job_id: string }[] }[] }
  }, SOON)
  const path = `/v1/jobs/${request.steps[1]?.jobs[0]?.job_id}`
  const statuses = [acme, umbrella].map(async (headers) => (await fetch(hasty.url + path, { headers })).status)
  expect(await Promise.all(statuses)).toEqual([200, 404])
})

test('each tenant has definitions of its own under the same name', async () => {
  expect((await call('PUT', 'definitions/same', acme, waiting)).status).toBe(201)
  expect((await call('GET', 'definitions/same', umbrella)).status).toBe(404)
  expect((await call('POST', 'requests', umbrella, { definition: 'same' })).body['code']).toBe('invalid-plan')
  expect((await call('GET', 'definitions', umbrella)).body).toEqual({ items: [] })
  expect((await call('DELETE', 'definitions/same', umbrella)).status).toBe(404)
  expect((await call('POST', 'requests', acme, { definition: 'same' })).status).toBe(201)
  expect((await call('GET', 'definitions/same', operator)).status).toBe(404)
  expect((await call('GET', 'definitions/same?tenant=acme', operator)).body).toMatchObject({ tenant: 'acme' })
  expect((await call('GET', 'definitions/same?tenant=acme', umbrella)).body['code']).toBe('invalid-request')
  expect((await call('DELETE', 'definitions/same?tenant=acme', operator)).status).toBe(204)
  expect((await call('GET', 'definitions/same', acme)).status).toBe(404)
})

test('a token that may only read changes nothing, and without one nothing is told', async () => {
  const id = await make(acme)
  const reader = bearer(await tokenOf('r', { claims: { tenant: 'acme', scope: 'jobs:read' } }))
  expect((await call('GET', `requests/${id}`, reader)).status).toBe(200)
  expect((await call('POST', `requests/${id}/cancel`, reader)).status).toBe(403)
  expect((await call('PUT', 'definitions/x', reader, waiting)).status).toBe(403)
  expect((await call('GET', `requests/${id}`, {})).status).toBe(401)
})
