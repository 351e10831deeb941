// Access and scopes: through nginx, two apis, a real job service behind the same address.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { OPERATIONS } from '#shared/contracts/http/operations/all-operations.ts'
import { getFrom, postTo } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { bearer, SECRET, tokenOf } from './tokens.ts'

let hasty: Mixed<'api'>
let reader: Record<string, string>
let writer: Record<string, string>
let operator: Record<string, string>

beforeAll(async () => {
  const auth = { AUTH: 'required', JWT_SECRET: SECRET }
  hasty = await startMixed(['api'], { apis: 2, jobs: 1, workflows: 1, nginx: true, apiEnv: auth, workflowEnv: auth })
  const withScope = async (scope: string) => bearer(await tokenOf(scope.replace(':', '-'), { claims: { scope } }))
  reader = await withScope('jobs:read')
  writer = await withScope('jobs:write')
  operator = await withScope('admin')
})
afterAll(() => hasty.stop())

const call = (method: string, path: string, headers: Record<string, string>) =>
  fetch(`${hasty.url}${path}`, { method, headers })
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code

const OPEN = /^\/(docs|ui|problems|openapi|heartbeat|livez|readyz|metrics|token)/
/** A GET of the root leads browsers to the dashboard; a POST makes a job. */
const open = OPERATIONS.filter(({ path, method }) => OPEN.test(path) || (path === '/' && method === 'get'))
const closed = OPERATIONS.filter((operation) => !open.includes(operation))
const pathOf = (path: string) => path.replaceAll(/\{\w+\}/g, 'x')

test('there are routes of both kinds', () => {
  expect(open.length).toBeGreaterThan(5)
  expect(closed.length).toBeGreaterThan(30)
})

test.each(closed.map(({ method, path }) => [method.toUpperCase(), path]))(
  '%s %s needs a token',
  async (method, path) => {
    const answer = await call(method, pathOf(path), {})
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="hasty"')
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
    expect(await codeOf(answer)).toBe('token-required')
  },
)

test.each(open.filter(({ method }) => method === 'get').map(({ path }) => path))('GET %s needs none', async (path) => {
  const answer = await call('GET', path.replace('{code}', 'cooldown'), path === '/' ? { accept: 'text/html' } : {})
  expect([200, 404]).toContain(answer.status)
  await answer.text()
})

describe('a token', () => {
  test.each([
    ['without the word Bearer', 'x'],
    ['that is empty', 'Bearer'],
    ['that is blank', 'Bearer    '],
    ['in Basic', `Basic ${Buffer.from('a:b').toString('base64')}`],
    ['with a space in it', 'Bearer a b'],
    ['that is no token', 'Bearer abc'],
    ['of 9,000 characters', `Bearer ${'a'.repeat(9_000)}`],
  ])('%s is not accepted', async (_what, authorization) => {
    const answer = await call('GET', '/v1/jobs', { authorization })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch('error="invalid_token"')
    expect(await codeOf(answer)).toBe('invalid-token')
  })

  test('in the query is none', async () => {
    const token = await tokenOf('someone')
    const answer = await call('GET', `/v1/stats?access_token=${token}`, {})
    expect(answer.status).toBe(401)
    expect(await codeOf(answer)).toBe('token-required')
  })

  test('that has expired is refused with a reason, and nothing is made', async () => {
    const expired = await tokenOf('someone', { nowMs: Date.now() - 3_600_000 })
    const answer = await postTo(hasty.url, { object_id: 'expired' }, bearer(expired))
    expect(answer).toMatchObject({ status: 401, body: { code: 'invalid-token', detail: 'The token has expired.' } })
    expect(await postTo(hasty.url, { object_id: 'expired' }, writer)).toMatchObject({ status: 201 })
  })

  test('is good at every replica, by whatever case the scheme is written in', async () => {
    const token = reader['authorization']?.slice('Bearer '.length)
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer']) {
      const answer = await call('GET', '/v1/stats', { authorization: `${scheme} ${token}` })
      expect(answer.status).toBe(200)
      await answer.text()
    }
  })
})

describe('scopes', () => {
  const forbidden = (scope: string) => ({
    status: 403,
    'www-authenticate': `Bearer realm="hasty", error="insufficient_scope", scope="${scope}"`,
  })
  const refusalOf = async (answer: Response) => {
    expect(await codeOf(answer)).toBe('insufficient-scope')
    return { status: answer.status, 'www-authenticate': answer.headers.get('www-authenticate') }
  }

  test('reading does not allow to write', async () => {
    for (const [method, path] of [
      ['POST', '/'],
      ['POST', '/v1/jobs'],
      ['DELETE', '/x'],
      ['POST', '/v1/redrive'],
      ['POST', '/v1/cancel'],
      ['PUT', '/v1/schedules/x'],
    ] as const) {
      expect(await refusalOf(await call(method, path, reader))).toEqual(forbidden('jobs:write'))
    }
  })

  test('writing does not allow to read, but a caller gets the job it makes', async () => {
    const made = await postTo(`${hasty.url}/v1/jobs`, { object_id: 'w', type: 'sleep', payload: { ms: 1 } }, writer)
    expect(made).toMatchObject({ status: 201 })
    expect(await refusalOf(await call('GET', '/v1/jobs', writer))).toEqual(forbidden('jobs:read'))
    expect(
      await refusalOf(await call('HEAD', '/v1/jobs', writer).then(() => call('GET', '/v1/stats', writer))),
    ).toEqual(forbidden('jobs:read'))
  })

  test('types and workers are an operator’s, in whatever case they are written', async () => {
    for (const path of ['/v1/types/sleep/pause', '/V1/Types/sleep/Pause', '/v1/types/sleep/pause/']) {
      expect(await refusalOf(await call('POST', path, writer))).toEqual(forbidden('admin'))
    }
    for (const path of ['/v1/workers', '/v1/workers/x', '/v1/workers/x/attempts', '/v1/workers?live=true']) {
      expect(await refusalOf(await call('GET', path, reader))).toEqual(forbidden('admin'))
    }
  })

  test('an operator may do everything', async () => {
    expect(await getFrom(`${hasty.url}/v1/workers`, operator)).toMatchObject({ status: 200 })
    expect((await call('POST', '/v1/types/sleep/pause', operator)).status).toBe(200)
    expect((await call('POST', '/v1/types/sleep/resume', operator)).status).toBe(200)
    expect(await postTo(hasty.url, { object_id: 'by-operator' }, operator)).toMatchObject({ status: 201 })
    expect(await getFrom(`${hasty.url}/v1/jobs`, operator)).toMatchObject({ status: 200 })
  })

  test('an operator of one tenant is none of the service', async () => {
    const own = bearer(await tokenOf('boss', { claims: { scope: 'admin', tenant: 'acme' } }))
    expect(await refusalOf(await call('GET', '/v1/workers', own))).toEqual(forbidden('admin'))
    expect(await getFrom(`${hasty.url}/v1/jobs`, own)).toMatchObject({ status: 200, body: { items: [] } })
  })

  test('a token without any is told whose it is, and no more', async () => {
    const none = bearer(await tokenOf('nobody', { claims: { scope: 'openid profile' } }))
    expect(await getFrom(`${hasty.url}/v1/caller`, none)).toMatchObject({
      status: 200,
      body: { subject: 'nobody', scopes: [], tenant: null },
    })
    expect(await refusalOf(await call('GET', '/v1/jobs', none))).toEqual(forbidden('jobs:read'))
  })
})

test('the line about a job of a tenant names the tenant', async () => {
  const acme = bearer(await tokenOf('acme-writer', { claims: { scope: 'jobs:write', tenant: 'acme' } }))
  const body = { object_id: 'of-acme', type: 'add', payload: { numbers: [1] } }
  const made = await postTo(`${hasty.url}/v1/jobs`, body, acme)
  expect(made).toMatchObject({ status: 201 })
  await vi.waitFor(async () => {
    const lines = (await Promise.all(hasty.api.map((api) => api.logs()))).flat()
    expect(lines.find((line) => line['job_id'] === made.body['job_id'])).toMatchObject({
      msg: 'job created',
      tenant: 'acme',
    })
  }, 10_000)
})

test('no token is found in any log', async () => {
  const token = reader['authorization']?.slice('Bearer '.length) ?? ''
  const logs = await Promise.all(hasty.api.map((api) => api.logs()))
  expect(logs.flat().length).toBeGreaterThan(0)
  expect(JSON.stringify(logs)).not.toContain(token.slice(-40))
  expect(JSON.stringify(logs)).not.toContain(SECRET)
})
