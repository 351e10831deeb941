// Through nginx, /v1/workers has the api's own limits, tokens and error messages.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { getFrom } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const PAGE = 'https://app.example.com'
const LIMIT = 20

let hasty: Hasty
let operator: Record<string, string>
beforeAll(async () => {
  const limits = { RATE_LIMIT_PER_ADDRESS: String(LIMIT), RATE_LIMIT_WINDOW_S: '600' }
  const apiEnv = { AUTH: 'required', JWT_SECRET: SECRET, CORS_ORIGINS: PAGE, ...limits }
  hasty = await startInProcess({ nginx: true, apiEnv })
  operator = bearer(await tokenOf('operator', { claims: { scope: 'admin' } }))
  // A job service is ready before its store is; a direct request does not count towards the limit.
  await vi.waitFor(async () => expect((await fetch(`${hasty.job[0]?.url}/v1/workers`)).status).toBe(200), 10_000)
})
afterAll(() => hasty.stop())

const workers = () => `${hasty.url}/v1/workers`

test('a page of an allowed origin may ask for workers', async () => {
  const preflight = await fetch(workers(), {
    method: 'OPTIONS',
    headers: {
      origin: PAGE,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe(PAGE)
  expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization')
  const asked = await getFrom(workers(), { ...operator, origin: PAGE })
  expect(asked).toMatchObject({ status: 200, body: { items: expect.any(Array) as unknown[] } })
  expect(asked.headers.get('access-control-allow-origin')).toBe(PAGE)
  const refused = await getFrom(workers(), { origin: PAGE })
  expect(refused).toMatchObject({ status: 401, body: { code: 'token-required' } })
  expect(refused.headers.get('access-control-allow-origin')).toBe(PAGE)
})

test.each([
  ['PROPFIND', undefined, 501, 'not-implemented'],
  ['POST', 'x'.repeat(1_500_000), 413, 'payload-too-large'],
  ['GET', undefined, 401, 'token-required'],
])('a %s that is refused is a problem like any other', async (method, body, status, code) => {
  const answer = await fetch(workers(), { method, ...(body === undefined ? {} : { body }) })
  expect(answer.headers.get('content-type')).toMatch('application/problem+json')
  expect({ status: answer.status, ...((await answer.json()) as object) }).toMatchObject({ status, code })
})

test('a caller cannot choose the id of its request', async () => {
  const chosen = { 'hasty-request-id': 'chosen-by-the-caller' }
  for (const [caller, code] of [[operator, 'worker-not-found'] as const, [{}, 'token-required'] as const]) {
    const { headers, body } = await getFrom(`${workers()}/nobody`, { ...caller, ...chosen })
    expect(body).toMatchObject({ code, request_id: headers.get('x-request-id') })
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
  }
})

test('nor its address: whatever it says of it, the limit is the same one', async () => {
  const answers = []
  for (let n = 0; n <= LIMIT; n++)
    answers.push(
      await getFrom(workers(), { ...operator, 'x-forwarded-for': `10.0.0.${n}`, forwarded: `for=10.1.0.${n}` }),
    )
  const left = answers.map(({ headers }) => Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]))
  expect(left[0]).toBeLessThan(LIMIT - 1)
  expect(left).toEqual(left.map((_, n) => Math.max(0, (left[0] ?? 0) - n)))
  const refused = answers.at(-1)
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited', status: 429 } })
  expect(refused?.headers.get('content-type')).toMatch('application/problem+json')
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('where no job service answers it is a 503 that says when to come back', async () => {
  await hasty.job[0]?.stop()
  const { url } = await hasty.addApi({ RATE_LIMIT_PER_ADDRESS: '' })
  const answer = await getFrom(`${url}/v1/workers`, operator)
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(answer.headers.get('retry-after')).toBe('1')
})
