import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

// nginx repeats a POST at another replica when one dies before it answers: only the request's id tells it from a new one.
const REQUEST_ID = 'Hasty-Request-Id'

describe.each([
  ['with a cooldown', '300000'],
  ['without a cooldown', '0'],
])('behind a proxy, %s', (_, cooldownMs) => {
  let hasty: Hasty
  beforeAll(async () => {
    hasty = await startInProcess({
      apis: 2,
      jobs: 0,
      nginx: true,
      env: { COOLDOWN_MS: cooldownMs, TRUST_PROXY: 'true' },
    })
  })
  afterAll(() => hasty.stop())

  test('the same request again gets the first answer again, from another replica and under its own address', async () => {
    const [first, second] = hasty.api
    const sent = { [REQUEST_ID]: 'a-request-of-the-proxy-1' }
    const accepted = await postTo(first?.url ?? '', { object_id: 'repeated' }, sent)
    const repeated = await postTo(second?.url ?? '', { object_id: 'repeated' }, sent)
    expect(accepted.status).toBe(201)
    expect(repeated).toMatchObject({ status: 201, body: accepted.body })
    expect(repeated.headers.get('location')).toBe(accepted.headers.get('location'))
    expect(repeated.headers.get('x-request-id')).toBe('a-request-of-the-proxy-1')
    expect(repeated.headers.get('idempotency-replayed')).toBeNull()
  })

  test('racing repeats of one request make one job', async () => {
    const sent = { [REQUEST_ID]: 'a-request-of-the-proxy-2' }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_unused, n) => postTo(hasty.api[n % 2]?.url ?? '', { object_id: 'racing' }, sent)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body }) => body['job_id'])).size).toBe(1)
  })

  test('what a client sends through nginx as its id is overwritten', async () => {
    const sent = { [REQUEST_ID]: 'a-request-of-a-client' }
    const first = await postTo(hasty.url, { object_id: 'forged' }, sent)
    const second = await postTo(hasty.url, { object_id: 'forged' }, sent)
    expect(first.status).toBe(201)
    expect(first.headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/)
    expect(second.status).toBe(cooldownMs === '0' ? 201 : 400)
    if (second.status === 201) expect(second.body['job_id']).not.toBe(first.body['job_id'])
  })

  test.each(['', 'short', 'x'.repeat(129), 'spaces and more', 'dots.and>stars*'])('"%s" is no id', async (id) => {
    const answer = await postTo(hasty.api[0]?.url ?? '', { object_id: `with ${id}` }, { [REQUEST_ID]: id })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9A-Za-z]{16}$/)
  })
})

test('an api without a proxy believes no id', async () => {
  await using hasty = await startInProcess({ jobs: 0 })
  const sent = { [REQUEST_ID]: 'a-request-of-a-client' }
  const first = await postTo(hasty.url, { object_id: 'believed' }, sent)
  const second = await postTo(hasty.url, { object_id: 'believed' }, sent)
  expect([first.status, second.status]).toEqual([201, 400])
  expect(first.headers.get('x-request-id')).not.toBe('a-request-of-a-client')
})
