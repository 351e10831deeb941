import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type ApiAnswer, countStatuses, postTo } from '../support/call.ts'
import { type Hasty, startInProcess, startMixed } from '../support/hasty.ts'
import { connectTest, readLog } from '../support/read-log.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

// No worker runs: the log holds one event for each created job.
const many = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)))

async function jobsMade(hasty: Hasty): Promise<number> {
  const nc = await connectTest(hasty.nats.url)
  try {
    return (await readLog(nc)).length
  } finally {
    await nc.close()
  }
}

/** Addresses of the replicas in turn. */
const apiUrl = (hasty: Hasty, n: number): string => hasty.api[n % hasty.api.length]?.url ?? ''

function expectRefusal(answer: ApiAnswer, jobId: unknown): void {
  expect(answer.body).toMatchObject({ code: 'cooldown', status: answer.status, job_id: jobId, existing_job_id: jobId })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(answer.headers.get('retry-after')).toBe(String(answer.body['retry_after_s']))
}

describe('with the usual 5 minutes', () => {
  let hasty: Hasty
  beforeAll(async () => {
    hasty = await startMixed(['api'], { apis: 2, jobs: 0, env: { HANDLERS_DIR } })
  })
  afterAll(() => hasty.stop())

  test('of 80 racing posts of one object_id over two replicas one is accepted, and the others name its job', async () => {
    const answers = await many(80, (n) => postTo(apiUrl(hasty, n), { object_id: 'raced' }))
    expect(countStatuses(answers)).toEqual({ 201: 1, 400: 79 })
    const winner = answers.find(({ status }) => status === 201)
    for (const answer of answers) if (answer.status === 400) expectRefusal(answer, winner?.body['job_id'])
    expect(await jobsMade(hasty)).toBe(1)
  })

  test('the refusal says 5 minutes and the seconds left, and is a conflict under /v1', async () => {
    const first = await postTo(apiUrl(hasty, 0), { object_id: 'once' })
    const root = await postTo(apiUrl(hasty, 1), { object_id: 'once' })
    const v1 = await postTo(`${apiUrl(hasty, 1)}/v1/jobs`, { object_id: 'once', type: 'sleep' })
    expect([root.status, v1.status]).toEqual([400, 409])
    for (const answer of [root, v1]) {
      expectRefusal(answer, first.body['job_id'])
      expect(answer.body['detail']).toContain('5 minutes')
      expect(answer.body['retry_after_s']).toBeGreaterThan(270)
      expect(answer.body['retry_after_s']).toBeLessThanOrEqual(300)
    }
  })

  test.each([
    ['sleep', 'has it everywhere', { root: 400, v1: 409 }],
    ['add', 'has it at the root alone', { root: 400, v1: 201 }],
    ['gather', 'rules it out', { root: 201, v1: 201 }],
  ])('a type such as %s %s', async (type, _, expected) => {
    const payload = type === 'add' ? { payload: { numbers: [1] } } : {}
    const twice = async (path: string) => {
      const body = { object_id: `${type} at ${path}`, type, ...payload }
      expect((await postTo(`${apiUrl(hasty, 0)}${path}`, body)).status).toBe(201)
      return (await postTo(`${apiUrl(hasty, 1)}${path}`, body)).status
    }
    expect({ root: await twice('/'), v1: await twice('/v1/jobs') }).toEqual(expected)
  })

  test('each type counts for itself', async () => {
    const body = { object_id: 'of two types' }
    expect((await postTo(apiUrl(hasty, 0), body)).status).toBe(201)
    const other = { ...body, type: 'add', payload: { numbers: [1] } }
    expect((await postTo(apiUrl(hasty, 0), other)).status).toBe(201)
    const again = await postTo(apiUrl(hasty, 0), other)
    expect(again).toMatchObject({ status: 400, body: { detail: expect.stringContaining('of type add') as string } })
  })

  test('an object_id is told from those that look like it, and from its own under another priority it is not', async () => {
    const looksLike = ['x', 'X', ' x', 'x ', 'x\0', 'é', 'e\u0301', 'x.y', 'x.*', 'x.>']
    const answers = await many(looksLike.length, (n) => postTo(apiUrl(hasty, n), { object_id: looksLike[n] }))
    expect(countStatuses(answers)).toEqual({ 201: looksLike.length })
    expect((await postTo(apiUrl(hasty, 0), { object_id: 'x', priority: 'high' })).status).toBe(400)
  })

  test('it outlives a kill -9 of the broker and the restart of everything', async () => {
    const first = await postTo(apiUrl(hasty, 0), { object_id: 'survivor' })
    expect(first.status).toBe(201)
    await hasty.nats.kill('SIGKILL')
    await hasty.nats.restart()
    await Promise.all(hasty.api.map((api) => api.restart()))
    await hasty.nats.restart()
    for (const { url } of hasty.api) {
      const answer = await vi.waitFor(
        async () => {
          const repeated = await postTo(url, { object_id: 'survivor' })
          expect(repeated.status).not.toBe(503)
          return repeated
        },
        { timeout: 20_000 },
      )
      expect(answer.status).toBe(400)
      expectRefusal(answer, first.body['job_id'])
    }
  })
})

test('with 2 seconds it opens again after 2 seconds, for one of all who wait', async () => {
  await using hasty = await startInProcess({ apis: 2, jobs: 0, env: { COOLDOWN_MS: '2000' } })
  const startedAt = performance.now()
  const first = await postTo(apiUrl(hasty, 0), { object_id: 'again' })
  const refused = await postTo(apiUrl(hasty, 1), { object_id: 'again' })
  expect(refused.body).toMatchObject({ retry_after_s: expect.any(Number), job_id: first.body['job_id'] })
  expect(refused.body['detail']).toContain('2 seconds')
  expect(refused.body['retry_after_s']).toBeLessThanOrEqual(2)

  const second = await vi.waitFor(
    async () => {
      const answers = await many(4, (n) => postTo(apiUrl(hasty, n), { object_id: 'again' }))
      expect(countStatuses(answers)).toEqual({ 201: 1, 400: 3 })
      return answers.find(({ status }) => status === 201)
    },
    { timeout: 5_000, interval: 20 },
  )
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(2_000)
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  expect(second?.body['job_id']).not.toBe(first.body['job_id'])
  expectRefusal(await postTo(apiUrl(hasty, 0), { object_id: 'again' }), second?.body['job_id'])
  expect(await jobsMade(hasty)).toBe(2)
})

test('with 0 there is none', async () => {
  await using hasty = await startInProcess({ apis: 2, jobs: 0, env: { COOLDOWN_MS: '0' } })
  const answers = await many(20, (n) => postTo(apiUrl(hasty, n), { object_id: 'same' }))
  expect(countStatuses(answers)).toEqual({ 201: 20 })
  expect(new Set(answers.map(({ body }) => body['job_id'])).size).toBe(20)
  expect(await jobsMade(hasty)).toBe(20)
})
