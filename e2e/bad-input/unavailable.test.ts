import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { type ApiAnswer, getFrom, postTo } from '../support/call.ts'
import { startInProcess } from '../support/hasty.ts'

// A request that cannot be served right now gets 503 with a time to come back, never 500, and never 201 without the
// log.

const PATIENT = { timeout: 20_000, interval: 100 }
const neverMade = '0'.repeat(25)

function expectUnavailable(answer: ApiAnswer): void {
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable', status: 503 } })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}

describe('without the broker', () => {
  test('a post is refused at once, what is stored is shown, and all is well when the broker is back', async () => {
    await using hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true })
    const doors = [...hasty.api.map(({ url }) => url), hasty.url]
    const { body } = await postTo(hasty.url, { object_id: 'before', payload: { ms: 0 } })
    const address = `${hasty.url}/${String(body['job_id'])}`
    await vi.waitFor(async () => expect((await getFrom(address)).body['status']).toBe('finished'), PATIENT)
    // Wait until the log was silent for a moment: until then its last messages may belong to any job.
    for (const { url } of hasty.api)
      await vi.waitFor(async () => expect((await getFrom(`${url}/${neverMade}`)).status).toBe(404), PATIENT)

    await hasty.nats.kill('SIGKILL')
    // Requests under way when the connection breaks wait for their deadline.
    for (const { url } of hasty.api)
      await vi.waitFor(async () => expect((await getFrom(`${url}/readyz`)).status).toBe(503), PATIENT)
    for (const url of doors) {
      const startedAt = performance.now()
      expectUnavailable(await postTo(url, { object_id: 'meanwhile' }))
      expectUnavailable(await postTo(url, { object_id: 'meanwhile' }, { 'Idempotency-Key': 'meanwhile' }))
      expect(performance.now() - startedAt).toBeLessThan(2_000)
      expect(await postTo(url, { object_id: '' })).toMatchObject({ status: 400 })
      expect((await getFrom(`${url}/${String(body['job_id'])}`)).body).toMatchObject({ status: 'finished' })
      expect((await getFrom(`${url}/${neverMade}`)).status).toBe(404)
      expect((await getFrom(`${url}/readyz`)).status).toBe(503)
      expect((await getFrom(`${url}/heartbeat`)).status).toBe(200)
    }

    await hasty.nats.restart()
    for (const url of doors) {
      const objectId = `after, to ${url}`
      await vi.waitFor(async () => expect((await postTo(url, { object_id: objectId })).status).toBe(201), PATIENT)
    }
    expect((await postTo(hasty.url, { object_id: 'meanwhile' })).status).toBe(201)
  })

  test('that stands still, a post is 503 before any gateway gives up, and its repeat under a key is one job', async () => {
    await using hasty = await startInProcess({ apis: 2, jobs: 0, nginx: true })
    const body = { object_id: 'frozen' }
    await hasty.nats.kill('SIGSTOP')
    const startedAt = performance.now()
    const answers = await Promise.all([
      postTo(hasty.url, body, { 'Idempotency-Key': 'frozen' }),
      postTo(hasty.url, { object_id: 'frozen without a key' }),
      getFrom(`${hasty.url}/${neverMade}`),
    ])
    expect(performance.now() - startedAt).toBeLessThan(8_000)
    expectUnavailable(answers[0])
    expectUnavailable(answers[1])
    expect(answers[2].status).toBe(404)
    await hasty.nats.kill('SIGCONT')
    const again = async (n: number) => {
      const answer = await postTo(hasty.api[n]?.url ?? '', body, { 'Idempotency-Key': 'frozen' })
      expect(answer.status).toBe(201)
      return answer.body['job_id']
    }
    const first = await vi.waitFor(() => again(0), PATIENT)
    expect(await vi.waitFor(() => again(1), PATIENT)).toBe(first)
  })
})

test.each([{ LOG_MAX_JOBS: '1' }, { LOG_MAX_BYTES: '1000' }])('with a log that is full (%o)', async (limits) => {
  await using hasty = await startInProcess({ jobs: 0, nginx: true, apiEnv: limits })
  const accepted: unknown[] = []
  const refusal = await vi.waitFor(async () => {
    const answer = await postTo(hasty.url, { object_id: `job ${accepted.length}` })
    if (answer.status === 201) accepted.push(answer.body['job_id'])
    expect(answer.status).not.toBe(201)
    return answer
  }, PATIENT)
  expectUnavailable(refusal)
  expectUnavailable(await postTo(`${hasty.api[0]?.url}/v1/jobs`, { object_id: 'direct', type: 'sleep' }))
  for (const jobId of accepted) expect((await getFrom(`${hasty.url}/${String(jobId)}`)).status).toBe(200)
})

test('with as many Idempotency-Keys as may be known, new ones are refused at once and all else is accepted', async () => {
  await using hasty = await startInProcess({ jobs: 0, nginx: true, apiEnv: { KEYS_MAX: '2' } })
  const postKeyed = (n: number) => postTo(hasty.url, { object_id: `keyed-${n}` }, { 'idempotency-key': `key-${n}` })
  let known = 0
  const refusal = await vi.waitFor(async () => {
    const answer = await postKeyed(known)
    if (answer.status === 201) known++
    expect(answer.status).not.toBe(201)
    return answer
  }, PATIENT)
  expectUnavailable(refusal)
  expect(refusal.body['detail']).toContain('KEYS_MAX')
  expect(known).toBeGreaterThanOrEqual(2)
  expect(await postTo(hasty.url, { object_id: 'without a key' })).toMatchObject({ status: 201 })
  expect(await postKeyed(0)).toMatchObject({ status: 201, body: { object_id: 'keyed-0' } })
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${hasty.api[0]?.url}/metrics`)).text()
    expect(metrics).toMatch(new RegExp(`^hasty_idempotency_keys\\{.*\\} ${known}$`, 'm'))
  }, PATIENT)
})

test('without the store jobs are accepted, and asking for one is 503 until it is back', async () => {
  await using hasty = await startInProcess({ jobs: 0, nginx: true })
  const before = await postTo(hasty.url, { object_id: 'before' })
  const accepted: ApiAnswer[] = []
  {
    using database = new DatabaseSync(join(hasty.dataDir, 'jobs.sqlite'), { timeout: 20_000 })
    database.exec('ALTER TABLE jobs RENAME TO jobs_away; ALTER TABLE projection RENAME TO projection_away')
    const during = await postTo(hasty.url, { object_id: 'during' })
    expect(during.status).toBe(201)
    accepted.push(before, during)
    for (const { body } of accepted) expectUnavailable(await getFrom(`${hasty.url}/${String(body['job_id'])}`))
    expectUnavailable(await getFrom(`${hasty.url}/${neverMade}`))
    expect((await getFrom(`${hasty.url}/not-an-id`)).status).toBe(404)
    expect((await getFrom(`${hasty.url}/readyz`)).status).toBe(503)
    database.exec('ALTER TABLE jobs_away RENAME TO jobs; ALTER TABLE projection_away RENAME TO projection')
  }
  await vi.waitFor(async () => expect((await getFrom(`${hasty.url}/readyz`)).status).toBe(200), PATIENT)
  for (const { body } of accepted) {
    expect(await getFrom(`${hasty.url}/${String(body['job_id'])}`)).toMatchObject({
      status: 200,
      body: { object_id: body['object_id'], status: 'processing' },
    })
  }
  expect((await getFrom(`${hasty.url}/${neverMade}`)).status).toBe(404)
})
