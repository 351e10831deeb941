// Limits for each token and each address, and pages of other origins.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { bearer, SECRET, tokenOf } from './tokens.ts'

const WINDOW_S = 60

describe('limits', () => {
  let hasty: Hasty
  beforeAll(async () => {
    const limits = { RATE_LIMIT_PER_TOKEN: '20', RATE_LIMIT_PER_ADDRESS: '60', RATE_LIMIT_WINDOW_S: String(WINDOW_S) }
    hasty = await startInProcess({
      apis: 1,
      jobs: 0,
      apiEnv: { AUTH: 'required', JWT_SECRET: SECRET, TRUST_PROXY: 'true', ...limits },
    })
  })
  afterAll(() => hasty.stop())

  const from = (address: string) => ({ 'x-forwarded-for': address })

  test('one token is told what it has left, then to wait; others go on', async () => {
    const busy = { ...bearer(await tokenOf('busy')), ...from('10.0.0.1') }
    const answers = []
    for (let n = 0; n < 25; n++) answers.push(await postTo(hasty.url, { object_id: `busy-${n}` }, busy))
    expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(201), ...Array(5).fill(429)])
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe(`"address";q=60;w=${WINDOW_S}, "token";q=20;w=${WINDOW_S}`)
    expect(answers[4]?.headers.get('ratelimit')).toMatch(/^"address";r=55;t=\d+, "token";r=15;t=\d+$/)
    const refused = answers.at(-1)
    expect(refused).toMatchObject({ body: { code: 'rate-limited', status: 429 } })
    const retryAfterS = Number(refused?.headers.get('retry-after'))
    expect(retryAfterS).toBeGreaterThan(0)
    expect(retryAfterS).toBeLessThanOrEqual(WINDOW_S)
    const other = { ...bearer(await tokenOf('other')), ...from('10.0.0.1') }
    expect(await postTo(hasty.url, { object_id: 'other' }, other)).toMatchObject({ status: 201 })
    expect(await getFrom(`${hasty.url}/v1/jobs?object_id=busy-24`, other)).toMatchObject({ body: { items: [] } })
  })

  test('a new token of the same caller is no new caller', async () => {
    const first = { ...bearer(await tokenOf('same')), ...from('10.0.0.2') }
    for (let n = 0; n < 20; n++) expect(await getFrom(`${hasty.url}/v1/stats`, first)).toMatchObject({ status: 200 })
    const second = { ...bearer(await tokenOf('same', { claims: { jti: 'another' } })), ...from('10.0.0.2') }
    expect(await getFrom(`${hasty.url}/v1/stats`, second)).toMatchObject({ status: 429 })
  })

  test('an address is limited before its token is looked at; another address is not', async () => {
    const statuses = []
    for (let n = 0; n < 65; n++) {
      statuses.push((await getFrom(`${hasty.url}/v1/stats`, { ...bearer(`bad.${n}.x`), ...from('10.0.0.3') })).status)
    }
    expect(statuses).toEqual([...Array(60).fill(401), ...Array(5).fill(429)])
    expect((await getFrom(`${hasty.url}/v1/stats`, { ...bearer('bad'), ...from('10.0.0.4') })).status).toBe(401)
  })

  test('probes are never limited', async () => {
    for (let n = 0; n < 80; n++)
      expect((await fetch(`${hasty.url}/livez`, { headers: from('10.0.0.5') })).status).toBe(200)
  })
})

describe('without limits', () => {
  let hasty: Hasty
  const PAGE = 'https://app.example.com'
  beforeAll(async () => {
    hasty = await startInProcess({ apis: 1, jobs: 0, apiEnv: { CORS_ORIGINS: `${PAGE},http://localhost:5173` } })
  })
  afterAll(() => hasty.stop())

  test('no answer speaks of any', async () => {
    const answer = await getFrom(`${hasty.url}/v1/stats`)
    expect(answer.headers.get('ratelimit')).toBeNull()
    expect(answer.headers.get('ratelimit-policy')).toBeNull()
  })

  test('a page of an allowed origin may ask, send and read what it needs', async () => {
    const preflight = await fetch(`${hasty.url}/v1/jobs`, {
      method: 'OPTIONS',
      headers: {
        origin: PAGE,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,idempotency-key',
      },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization,content-type,idempotency-key')
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    const made = await postTo(`${hasty.url}/v1/jobs`, { object_id: 'from-a-page', type: 'sleep' }, { origin: PAGE })
    expect(made.status).toBe(201)
    expect(made.headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(made.headers.get('access-control-expose-headers')).toContain('Retry-After')
    expect(made.headers.get('vary')).toContain('Origin')
  })

  test('an error is readable for it too', async () => {
    const answer = await postTo(`${hasty.url}/v1/jobs`, { object_id: 5, type: 'sleep' }, { origin: PAGE })
    expect(answer).toMatchObject({ status: 400 })
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE)
  })

  test.each(['https://evil.example', 'https://app.example.com.evil.example', 'null', 'http://app.example.com'])(
    'a page of %s is not let in',
    async (origin) => {
      const answer = await getFrom(`${hasty.url}/v1/stats`, { origin })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    },
  )
})
