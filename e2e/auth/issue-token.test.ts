// `POST /token`: a client of the file proves itself and gets a short-lived token, valid at every replica.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addClient, readClients, removeClient } from '#shared/auth/clients-file.ts'
import { getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { bearer, SECRET } from './tokens.ts'

let dir: string
let file: string
let hasty: Hasty
let secret: string

const form = (members: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${hasty.url}/token`, { method: 'POST', body: new URLSearchParams(members), headers })
const basic = (id: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(password)}`).toString('base64')}`,
})
const GRANT = { grant_type: 'client_credentials' }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-clients-'))
  file = join(dir, 'clients.json')
  const client = { client_id: 'acme-app', scopes: ['jobs:read', 'jobs:write'] as const, tenant: 'acme' }
  secret = await addClient(file, { ...client, scopes: [...client.scopes] }, new Date().toISOString())
  const apiEnv = { AUTH: 'required', JWT_SECRET: SECRET, CLIENTS_FILE: file, TOKEN_TTL_S: '120' }
  hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true, apiEnv })
})
afterAll(async () => {
  await hasty.stop()
  await rm(dir, { recursive: true, force: true })
})

test.each([
  ['as a form with HTTP Basic', () => form(GRANT, basic('acme-app', secret))],
  ['as a form', () => form({ ...GRANT, client_id: 'acme-app', client_secret: secret })],
  [
    'as JSON',
    () =>
      fetch(`${hasty.url}/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...GRANT, client_id: 'acme-app', client_secret: secret }),
      }),
  ],
])('a client gets a token %s, and may use it as far as its scopes and tenant go', async (_how, ask) => {
  const answer = await ask()
  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const token = (await answer.json()) as { access_token: string }
  expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 120, scope: 'jobs:read jobs:write' })
  expect(await getFrom(`${hasty.url}/v1/caller`, bearer(token.access_token))).toMatchObject({
    body: { subject: 'acme-app', tenant: 'acme', scopes: ['jobs:read', 'jobs:write'] },
  })
  expect(await getFrom(`${hasty.url}/v1/workers`, bearer(token.access_token))).toMatchObject({ status: 403 })
})

test('what other OAuth clients send besides is passed over', async () => {
  for (const members of [
    { audience: 'x' },
    { resource: 'https://x.example' },
    { client_id: 'acme-app' },
    { scope: '' },
  ]) {
    const answer = await form({ ...GRANT, ...members }, basic('acme-app', secret))
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ scope: 'jobs:read jobs:write' })
  }
})

test('a client may ask for less, and for no more', async () => {
  const less = (await (await form({ ...GRANT, scope: 'jobs:read' }, basic('acme-app', secret))).json()) as {
    access_token: string
    scope: string
  }
  expect(less.scope).toBe('jobs:read')
  expect(await postTo(hasty.url, { object_id: 'x' }, bearer(less.access_token))).toMatchObject({ status: 403 })
  for (const scope of ['admin', 'jobs:read admin', 'nothing']) {
    const more = await form({ ...GRANT, scope }, basic('acme-app', secret))
    expect(more.status).toBe(400)
    expect(await more.json()).toMatchObject({ code: 'invalid-scope' })
  }
})

describe('refused is', () => {
  test.each<[string, () => Promise<Response>]>([
    ['a wrong secret', () => form(GRANT, basic('acme-app', `${secret}x`))],
    ['an empty secret', () => form(GRANT, basic('acme-app', ''))],
    ['an unknown client', () => form(GRANT, basic('nobody', secret))],
    ['a client whose name is in every object', () => form(GRANT, basic('__proto__', secret))],
    ['no credentials at all', () => form(GRANT)],
    ['a secret without its client', () => form({ ...GRANT, client_secret: secret })],
    ['a Bearer', () => form(GRANT, { authorization: `Bearer ${secret}` })],
    ['Basic that is no base64', () => form(GRANT, { authorization: 'Basic %%%' })],
    ['Basic without a colon', () => form(GRANT, { authorization: `Basic ${Buffer.from('x').toString('base64')}` })],
    ['a bad escape', () => form(GRANT, { authorization: `Basic ${Buffer.from('%zz:x').toString('base64')}` })],
  ])('%s, with 401', async (_what, ask) => {
    const answer = await ask()
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Basic realm="hasty"')
    expect(await answer.json()).toMatchObject({ code: 'invalid-client' })
  })

  test.each<[string, () => Promise<Response>, number]>([
    ['another grant', () => form({ grant_type: 'password' }, basic('acme-app', secret)), 400],
    ['no grant', () => form({ scope: 'jobs:read' }, basic('acme-app', secret)), 400],
    [
      'a member twice',
      () => fetch(`${hasty.url}/token`, { method: 'POST', body: new URLSearchParams('grant_type=a&grant_type=b') }),
      400,
    ],
    [
      'two ways at once',
      () => form({ ...GRANT, client_id: 'acme-app', client_secret: secret }, basic('acme-app', secret)),
      400,
    ],
    ['5,000 bytes', () => form({ ...GRANT, scope: 'x'.repeat(5_000) }, basic('acme-app', secret)), 413],
    ['text', () => fetch(`${hasty.url}/token`, { method: 'POST', body: 'grant_type=client_credentials' }), 415],
  ])('%s, as a bad request', async (_what, ask, status) => {
    const answer = await ask()
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
  })
})

test('a client that is added or removed is so at once, without a restart', async () => {
  const other = { client_id: 'late', scopes: ['admin' as const], tenant: null }
  const lateSecret = await addClient(file, other, new Date().toISOString())
  expect((await form(GRANT, basic('late', lateSecret))).status).toBe(200)
  await removeClient(file, 'late')
  for (let n = 0; n < 4; n++) expect((await form(GRANT, basic('late', lateSecret))).status).toBe(401)
})

test('of clients that are added at once none is lost: whoever is too late is told so', async () => {
  const crowd = join(dir, 'crowd.json')
  const adding = Array.from({ length: 10 }, (_, n) =>
    addClient(crowd, { client_id: `c-${n}`, scopes: ['jobs:read'], tenant: null }, new Date().toISOString()),
  )
  const results = await Promise.allSettled(adding)
  const added = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [`c-${n}`] : []))
  expect(added.length).toBeGreaterThan(0)
  expect((await readClients(crowd)).map(({ client_id }) => client_id)).toEqual(added)
  for (const result of results) {
    if (result.status === 'rejected') expect(String(result.reason)).toContain('is being changed by another process')
  }
})

test('while the file is broken nobody gets a token, and those who have one work on', async () => {
  const before = (await (await form(GRANT, basic('acme-app', secret))).json()) as { access_token: string }
  const broken = join(dir, 'broken.json')
  await writeFile(broken, '{"clients": [{"client_id": 5}]}')
  const api = await hasty.addApi({ CLIENTS_FILE: broken })
  const answer = await fetch(`${api.url}/token`, {
    method: 'POST',
    body: new URLSearchParams(GRANT),
    headers: basic('acme-app', secret),
  })
  expect(answer.status).toBe(503)
  expect(await answer.text()).not.toContain(broken)
  expect(await getFrom(`${api.url}/v1/stats`, bearer(before.access_token))).toMatchObject({ status: 200 })
})

test('the file holds no secret', async () => {
  const { readFile, stat } = await import('node:fs/promises')
  expect(await readFile(file, 'utf8')).not.toContain(secret.slice(5))
  expect((await stat(file)).mode & 0o077).toBe(0)
})

test('where no clients are named, there are no tokens to be had', async () => {
  const api = await hasty.addApi({ CLIENTS_FILE: '' })
  const answer = await fetch(`${api.url}/token`, {
    method: 'POST',
    body: new URLSearchParams(GRANT),
    headers: basic('acme-app', secret),
  })
  expect(answer.status).toBe(404)
})
