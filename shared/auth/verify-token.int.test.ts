import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseConfig } from '#shared/process/config.ts'
import { type Clock, systemClock } from '#shared/time/clock.ts'
import { authSettings } from './settings.ts'
import { signToken } from './sign-token.ts'
import { createVerifier } from './verify-token.ts'

const SECRET = 'thirty-two bytes or more of a secret'
const PREVIOUS = 'thirty-two bytes or more of the one before'
const NOW_MS = Date.parse('2027-01-01T12:00:00.000Z')
const NOW_S = NOW_MS / 1000
const clock: Clock = { now: () => NOW_MS, monotonic: () => performance.now() }

const CLAIMS: JWTPayload = {
  sub: 'someone',
  iss: 'hasty',
  aud: 'hasty',
  iat: NOW_S,
  exp: NOW_S + 60,
  scope: 'jobs:read',
}
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const hs = (bits: 256 | 512, key: string, header: object, claims: object) => {
  const signed = `${base64url(header)}.${base64url(claims)}`
  return `${signed}.${createHmac(`sha${bits}`, key).update(signed).digest('base64url')}`
}
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(CLAIMS).filter(([name]) => !names.includes(name)))
const HS256 = { alg: 'HS256', typ: 'JWT' }
const good = (claims: object) => hs(256, SECRET, HS256, { ...CLAIMS, ...claims })

describe('with a secret', () => {
  const config = (env: Record<string, string> = {}) => parseConfig(authSettings, { JWT_SECRET: SECRET, ...env })
  const verify = createVerifier(config(), clock)

  test.each<[string, string, object]>([
    ['as it should be', good({}), { subject: 'someone', scopes: ['jobs:read'], tenant: null }],
    ['within the tolerance of 5 s', good({ exp: NOW_S - 4, iat: NOW_S - 60 }), { subject: 'someone' }],
    ['of a clock that is 5 s ahead', good({ iat: NOW_S + 5, nbf: NOW_S + 5 }), { subject: 'someone' }],
    ['for several audiences', good({ aud: ['other', 'hasty'] }), { subject: 'someone' }],
    ['of an OAuth server', hs(256, SECRET, { alg: 'HS256', typ: 'at+jwt' }, CLAIMS), { subject: 'someone' }],
    ['with its scopes in a list', good({ scope: ['admin', 'other'] }), { scopes: ['admin'] }],
    ['with its scopes in scp', good({ scope: undefined, scp: 'jobs:write' }), { scopes: ['jobs:write'] }],
    ['without scopes', good({ scope: undefined }), { scopes: [] }],
    ['of a tenant', good({ tenant: 'acme' }), { tenant: 'acme' }],
  ])('a token %s is accepted', async (_what, token, caller) => {
    expect(await verify(token)).toMatchObject(caller)
  })

  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const rs256 = (key: KeyObject) => new SignJWT(CLAIMS).setProtectedHeader({ alg: 'RS256' }).sign(key)

  test.each<[string, string | Promise<string>]>([
    ['of alg none', `${base64url({ alg: 'none' })}.${base64url(CLAIMS)}.`],
    ['of alg nOnE', `${base64url({ alg: 'nOnE' })}.${base64url(CLAIMS)}.`],
    ['of alg none with a signature', `${base64url({ alg: 'none' })}.${good({}).split('.').slice(1).join('.')}`],
    ['without a header', `.${base64url(CLAIMS)}.x`],
    ['of two parts', good({}).split('.').slice(0, 2).join('.')],
    ['of five parts', `${good({})}.a.b`],
    ['signed with the PEM of a public key', hs(256, pem, HS256, CLAIMS)],
    ['signed with another secret', hs(256, `${SECRET}!`, HS256, CLAIMS)],
    ['signed with the secret, but HS512', hs(512, SECRET, { alg: 'HS512' }, CLAIMS)],
    ['signed by a private key', rs256(privateKey)],
    ['with its payload changed', good({}).replace(/\.[^.]+\./, `.${base64url({ ...CLAIMS, scope: 'admin' })}.`)],
    ['with a critical extension that is unknown', hs(256, SECRET, { ...HS256, crit: ['x'], x: 1 }, CLAIMS)],
    ['that carries its own key', hs(256, 'own', { ...HS256, jwk: { kty: 'oct', k: 'b3du' } }, CLAIMS)],
    ['with a kid that climbs', hs(256, 'other', { ...HS256, kid: '../../x' }, CLAIMS)],
    ['of another type', hs(256, SECRET, { alg: 'HS256', typ: 'secevent+jwt' }, CLAIMS)],
    ['expired by 6 s', good({ exp: NOW_S - 6, iat: NOW_S - 60 })],
    ['not yet good for 6 s', good({ nbf: NOW_S + 6 })],
    ['without exp', hs(256, SECRET, HS256, without('exp'))],
    ['with exp as a text', good({ exp: String(NOW_S + 60) })],
    ['issued in an hour', good({ iat: NOW_S + 3600, exp: NOW_S + 7200 })],
    ['without iat', hs(256, SECRET, HS256, without('iat'))],
    ['issued two days ago', good({ iat: NOW_S - 2 * 86_400 })],
    ['without aud', hs(256, SECRET, HS256, without('aud'))],
    ['for another audience', good({ aud: 'other' })],
    ['without iss', hs(256, SECRET, HS256, without('iss'))],
    ['of another issuer', good({ iss: 'other' })],
    ['without sub', hs(256, SECRET, HS256, without('sub'))],
    ['with a sub that is no text', good({ sub: 5 })],
    ['of a tenant that is no name', good({ tenant: '../x' })],
    ['of a tenant that is no text', good({ tenant: { $ne: '' } })],
    ['whose claims are a list', hs(256, SECRET, HS256, [CLAIMS])],
  ])('a token %s is refused', async (_what, token) => {
    await expect(verify(await token)).rejects.toMatchObject({ code: 'invalid-token', status: 401 })
  })

  test('a token that was good is not good for longer than it says', async () => {
    let nowMs = NOW_MS
    const moving = createVerifier(config(), { ...clock, now: () => nowMs })
    const token = good({ exp: NOW_S + 30 })
    expect(await moving(token)).toMatchObject({ subject: 'someone' })
    nowMs += 29_000
    expect(await moving(token)).toMatchObject({ subject: 'someone' })
    nowMs += 7_000
    await expect(moving(token)).rejects.toMatchObject({ code: 'invalid-token' })
  })

  test('while secrets change, tokens of both are good, and afterwards those of the new one alone', async () => {
    const rotating = createVerifier(config({ JWT_SECRET_PREVIOUS: PREVIOUS }), clock)
    const old = hs(256, PREVIOUS, HS256, CLAIMS)
    expect(await rotating(old)).toMatchObject({ subject: 'someone' })
    expect(await rotating(good({}))).toMatchObject({ subject: 'someone' })
    await expect(rotating(hs(256, 'neither of the two', HS256, CLAIMS))).rejects.toMatchObject({ status: 401 })
    await expect(verify(old)).rejects.toMatchObject({ status: 401 })
  })

  test('where tenants are required, only an operator has none', async () => {
    const strict = createVerifier(config({ TENANT_REQUIRED: 'true' }), clock)
    await expect(strict(good({}))).rejects.toMatchObject({ code: 'invalid-token' })
    expect(await strict(good({ scope: 'admin' }))).toMatchObject({ tenant: null })
    expect(await strict(good({ tenant: 'acme' }))).toMatchObject({ tenant: 'acme' })
  })

  test('what we sign, we accept', async () => {
    const caller = { subject: 'client-1', scopes: ['jobs:read', 'admin'], tenant: 'acme' } as const
    const signing = { secret: SECRET, issuer: 'hasty', audience: 'hasty', tenantClaim: 'tenant', ttlS: 60 }
    expect(await verify(await signToken(caller, { ...signing, nowMs: NOW_MS }))).toMatchObject(caller)
  })
})

describe('with the keys of an issuer', () => {
  const old = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const next = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let published: { keys: object[] } = { keys: [] }
  let fetches = 0
  let isDown = false
  let issuer: Server
  let verify: ReturnType<typeof createVerifier>

  const jwkOf = async (key: KeyObject, kid: string) => ({ ...(await exportJWK(key)), kid, alg: 'ES256', use: 'sig' })
  const signed = (key: KeyObject, kid: string, claims: JWTPayload = {}) =>
    new SignJWT({ ...CLAIMS, ...claims, iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 60 })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(key)

  beforeAll(async () => {
    issuer = createServer((_request, response) => {
      fetches++
      response.statusCode = isDown ? 500 : 200
      response.end(JSON.stringify(published))
    })
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => new Promise((resolve) => issuer.close(resolve)))
  beforeEach(async () => {
    published = { keys: [await jwkOf(old.publicKey, 'old')] }
    fetches = 0
    isDown = false
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`
    verify = createVerifier(parseConfig(authSettings, { JWT_JWKS_URL: url }), systemClock)
  })

  test('its tokens are accepted, and the keys are fetched once', async () => {
    const token = await signed(old.privateKey, 'old')
    await Promise.all([verify(token), verify(token), verify(token)])
    expect(await verify(token)).toMatchObject({ subject: 'someone' })
    expect(fetches).toBe(1)
  })

  test('both keys are good while it changes them', async () => {
    published.keys.push(await jwkOf(next.publicKey, 'next'))
    expect(await verify(await signed(old.privateKey, 'old'))).toMatchObject({ subject: 'someone' })
    expect(await verify(await signed(next.privateKey, 'next'))).toMatchObject({ subject: 'someone' })
  })

  test('tokens with keys that nobody knows do not make it be asked again and again', async () => {
    await verify(await signed(old.privateKey, 'old'))
    for (let n = 0; n < 20; n++) {
      const token = await signed(next.privateKey, `unseen-${n}`)
      await expect(verify(token)).rejects.toMatchObject({ code: 'invalid-token' })
    }
    expect(fetches).toBe(1)
  })

  test('a new key is fetched soon, also where the wall clock was ahead by a month at the last fetch', async () => {
    let aheadMs = 0
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`
    const right = { now: () => NOW_MS, monotonic: () => performance.now() + aheadMs }
    const own = createVerifier(parseConfig(authSettings, { JWT_JWKS_URL: url }), right)
    const at = (key: KeyObject, kid: string) => new SignJWT(CLAIMS).setProtectedHeader({ alg: 'ES256', kid }).sign(key)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * 86_400_000 })
    await own(await at(old.privateKey, 'old'))
    vi.useRealTimers()
    published.keys.push(await jwkOf(next.publicKey, 'next'))
    const token = await at(next.privateKey, 'next')
    await expect(own(token)).rejects.toMatchObject({ code: 'invalid-token' })
    expect(fetches).toBe(1)
    aheadMs = 31_000
    expect(await own(token)).toMatchObject({ subject: 'someone' })
    expect(fetches).toBe(2)
  })

  test('a symmetric token keyed with what it publishes is refused', async () => {
    const pem = old.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    await expect(verify(hs(256, pem, { alg: 'HS256', kid: 'old' }, CLAIMS))).rejects.toMatchObject({ status: 401 })
    const key = createSecretKey(Buffer.from(JSON.stringify(published.keys[0])))
    const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256', kid: 'old' }).sign(key)
    await expect(verify(token)).rejects.toMatchObject({ code: 'invalid-token' })
  })

  test('its keys are fetched anew now and then, and while it is down those that are known stay good', async () => {
    let aheadMs = 0
    const url = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`
    const moving = { now: () => Date.now(), monotonic: () => performance.now() + aheadMs }
    const patient = createVerifier(parseConfig(authSettings, { JWT_JWKS_URL: url }), moving)
    const fresh = async (n: number) => patient(await signed(old.privateKey, 'old', { jti: String(n) }))
    await fresh(1)
    aheadMs = 11 * 60_000
    await fresh(2)
    await expect.poll(() => fetches, { timeout: 20_000 }).toBe(2)
    isDown = true
    aheadMs = 22 * 60_000
    expect(await fresh(3)).toMatchObject({ subject: 'someone' })
    await expect.poll(() => fetches, { timeout: 20_000 }).toBe(3)
    expect(await fresh(4)).toMatchObject({ subject: 'someone' })
  })

  test('while it is down nobody is told that a token is bad, and it is not asked at every request', async () => {
    isDown = true
    const token = await signed(old.privateKey, 'old')
    for (let n = 0; n < 10; n++) await expect(verify(token)).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    expect(fetches).toBe(1)
  })
})
