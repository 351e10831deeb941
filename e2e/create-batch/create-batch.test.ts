import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { BatchResult } from '#shared/contracts/http/job-batch.ts'
import { type ApiAnswer, getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { untilJob } from '../support/jobs.ts'
import { connectTest, historiesOf, readLog } from '../support/read-log.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true, env: { HANDLERS_DIR, JOB_SLOTS: '20' } })
})
afterAll(() => hasty.stop())

const BATCH = '/v1/jobs/batch'
const ATOMIC = `${BATCH}?atomic=true`
const post = (jobs: unknown, path = BATCH, headers: Record<string, string> = {}) =>
  postTo(hasty.url + path, jobs, headers)
const resultOf = ({ body }: ApiAnswer) => body as unknown as BatchResult
const jobsOf = (prefix: string, count: number, fields: Record<string, unknown> = {}) =>
  Array.from({ length: count }, (_, n) => ({ object_id: `${prefix}-${n}`, type: 'moody', ...fields }))

async function sendLines(text: string, path = BATCH): Promise<ApiAnswer> {
  const response = await fetch(hasty.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: text,
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as ApiAnswer['body'] }
}

/** The object_ids with a history in the log. */
async function storedObjects(prefix: string): Promise<string[]> {
  const nc = await connectTest(hasty.nats.url)
  try {
    const histories = [...historiesOf(await readLog(nc)).values()]
    return histories.map(([first]) => first?.event.object_id ?? '').filter((id) => id.startsWith(`${prefix}-`))
  } finally {
    await nc.close()
  }
}

test('each job of a batch is answered for itself, in the order of the batch', async () => {
  const [first, second] = jobsOf('each', 2)
  const answer = await post([
    first,
    { object_id: 'each-x', type: 'nonsense' },
    { object_id: 7, type: 'moody' },
    first,
    { ...second, delay_ms: 60_000 },
  ])
  expect(answer).toMatchObject({ status: 200, body: { accepted: 2, failed: 3 } })
  expect(resultOf(answer).items).toMatchObject([
    { index: 0, status: 201, job: { object_id: 'each-0', status: 'processing' } },
    { index: 1, status: 400, error: { code: 'unknown-type' } },
    { index: 2, status: 400, error: { code: 'invalid-request', errors: [{ pointer: '/object_id' }] } },
    { index: 3, status: 409, error: { code: 'cooldown' } },
    { index: 4, status: 201, job: { status: 'scheduled' } },
  ])
  await untilJob(hasty, resultOf(answer).items[0]?.job?.job_id ?? '', { status: 'finished' })
})

test('a batch of lines is the same, and a line that is no JSON is one bad job', async () => {
  const lines = [
    '{"object_id":"line-0","type":"moody"}',
    '',
    '{"object_id":',
    '  {"object_id":"line-1","type":"moody"}\r',
  ]
  const answer = await sendLines(`${lines.join('\n')}\n`)
  expect(resultOf(answer)).toMatchObject({
    accepted: 2,
    failed: 1,
    items: [{ status: 201 }, { status: 400, error: { code: 'malformed-json' } }, { status: 201 }],
  })
})

test('10,000 jobs are accepted at once, each of them once, and all are run', async () => {
  const answer = await post(jobsOf('many', 10_000))
  expect(answer).toMatchObject({ status: 200, body: { accepted: 10_000, failed: 0 } })
  const ids = resultOf(answer).items.map(({ job }) => job?.job_id)
  expect(new Set(ids).size).toBe(10_000)
  await vi.waitFor(
    async () => {
      const { body } = await getFrom(`${hasty.url}/v1/stats`)
      expect((body['by_type'] as Record<string, Record<string, number>>)['moody']?.['finished']).toBeGreaterThan(9_999)
    },
    { timeout: 60_000, interval: 250 },
  )
  expect(new Set(await storedObjects('many')).size).toBe(10_000)
})

test.each([10, 2_000])('an atomic batch of %i jobs is accepted whole', async (count) => {
  const answer = await post(jobsOf(`whole${count}`, count), ATOMIC)
  expect(answer).toMatchObject({ status: 201, body: { accepted: count, failed: 0 } })
  expect(await storedObjects(`whole${count}`)).toHaveLength(count)
})

test('an atomic batch with a bad job stores nothing, and names the bad ones', async () => {
  const answer = await post([...jobsOf('bad', 3), { object_id: 'bad-x', type: 'nonsense' }, { type: 'moody' }], ATOMIC)
  expect(answer).toMatchObject({
    status: 400,
    body: {
      code: 'batch-refused',
      items: [
        { index: 3, error: { code: 'unknown-type' } },
        { index: 4, error: { code: 'invalid-request' } },
      ],
    },
  })
  expect(await storedObjects('bad')).toEqual([])
})

test('an atomic batch with an object_id that was used lately, or twice in it, stores nothing', async () => {
  expect((await post([{ object_id: 'used-0', type: 'moody' }])).status).toBe(200)
  expect(await post(jobsOf('used', 5), ATOMIC)).toMatchObject({ status: 409, body: { code: 'cooldown' } })
  expect(await storedObjects('used')).toEqual(['used-0'])
  const [twice] = jobsOf('twice', 1)
  expect(await post([twice, twice], ATOMIC)).toMatchObject({
    status: 400,
    body: { code: 'batch-refused', items: [{ index: 1, error: { code: 'cooldown' } }] },
  })
  expect(await storedObjects('twice')).toEqual([])
})

test('a job of a batch may be as large as one alone, and no larger', async () => {
  const large = { object_id: 'large-1', type: 'moody', payload: { text: 'x'.repeat(1024 * 1024) } }
  const [small] = jobsOf('large', 1)
  expect(resultOf(await post([small, large]))).toMatchObject({
    accepted: 1,
    items: [{ status: 201 }, { status: 413, error: { code: 'payload-too-large' } }],
  })
  expect(resultOf(await sendLines(`${JSON.stringify(large)}\n`))).toMatchObject({ accepted: 0, failed: 1 })
  // A number that is short to send and long to store.
  const numbers = { ...large, payload: Array.from({ length: 100_000 }, () => '1e20').join(',') }
  const body = JSON.stringify([numbers]).replace(/"payload":"([^"]*)"/, '"payload":[$1]')
  const response = await fetch(hasty.url + BATCH, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(await response.json()).toMatchObject({ accepted: 0, items: [{ error: { code: 'payload-too-large' } }] })
  expect(await post([large], ATOMIC)).toMatchObject({ status: 400, body: { code: 'batch-refused' } })
  expect(await storedObjects('large')).toEqual(['large-0'])
})

test('of 100 races between two atomic batches that share an object_id exactly one batch is stored, whole', async () => {
  for (let round = 0; round < 100; round++) {
    const batch = (side: string) => [
      { object_id: `race-${round}-${side}`, type: 'moody' },
      { object_id: `race-${round}-shared`, type: 'moody' },
    ]
    const answers = await Promise.all([post(batch('a'), ATOMIC), post(batch('b'), ATOMIC)])
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
  }
  expect(await storedObjects('race')).toHaveLength(200)
})

test.each([BATCH, ATOMIC])('the same batch again under its Idempotency-Key makes no job again (%s)', async (path) => {
  const jobs = jobsOf(`key${path.length}`, 5)
  const headers = { 'idempotency-key': `batch-${path}` }
  const first = await post(jobs, path, headers)
  const second = await post(jobs, path, headers)
  expect(resultOf(second)).toMatchObject({ accepted: 5, failed: 0 })
  const ids = ({ items }: BatchResult) => items.map(({ job }) => job?.job_id)
  expect(ids(resultOf(second))).toEqual(ids(resultOf(first)))

  const other = await post(jobs.slice(1), path, headers)
  expect(other).toMatchObject({ status: 422, body: { code: 'key-reused' } })
})

test('of one atomic batch that comes many times at once, under its key or repeated by nginx, all are told the same', async () => {
  const direct = hasty.api.map(({ url }) => url + ATOMIC)
  for (const [round, headers] of [
    [0, { 'idempotency-key': 'at-once' }],
    [1, { 'hasty-request-id': 'repeated-by-nginx-1' }],
  ] as const) {
    const jobs = jobsOf(`at-once-${round}`, 20)
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) => postTo(direct[n % direct.length] ?? '', jobs, headers)),
    )
    const later = await postTo(direct[0] ?? '', jobs, headers)
    const ids = [...answers, later].map((answer) =>
      resultOf(answer)
        .items.map(({ job }) => job?.job_id)
        .join(),
    )
    expect(new Set(ids).size).toBe(1)
    expect(await storedObjects(`at-once-${round}`)).toHaveLength(20)
  }
})

test.each([
  ['no array', { object_id: 'x' }, 400, 'invalid-request'],
  ['an empty array', [], 400, 'invalid-request'],
  ['10,001 jobs', jobsOf('over', 10_001), 413, 'payload-too-large'],
  ['9 MiB', [{ object_id: 'x', payload: 'x'.repeat(9 * 1024 * 1024) }], 413, 'payload-too-large'],
])('%s is refused', async (_, body, status, code) => {
  for (const base of [hasty.url, hasty.api[0]?.url ?? '']) {
    expect(await postTo(base + BATCH, body)).toMatchObject({ status, body: { code } })
  }
})

test('a batch of another media type, or with an unknown parameter, is refused', async () => {
  const response = await fetch(hasty.url + BATCH, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: 'a,b',
  })
  expect(response.status).toBe(415)
  expect(await post([], `${BATCH}?atomic=yes`)).toMatchObject({ status: 400, body: { code: 'invalid-request' } })
})
