import { hash } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { newJobId } from '#shared/ids/ids.ts'
import { HOUR } from '#shared/time/clock.ts'
import { type ApiAnswer, getFrom, postTo } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { connectTest, historiesOf, readLog } from '../support/read-log.ts'

let hasty: Hasty
beforeAll(async () => {
  // Short, so that a test may see the cooldown end.
  hasty = await startInProcess({ apis: 2, jobs: 0, env: { COOLDOWN_MS: '3000' } })
})
afterAll(() => hasty.stop())

const url = (n: number): string => hasty.api[n % 2]?.url ?? ''
const withKey = (n: number, key: string, body: unknown, path = ''): Promise<ApiAnswer> =>
  postTo(url(n) + path, body, { 'Idempotency-Key': key })

async function jobsOf(objectId: string): Promise<string[]> {
  const nc = await connectTest(hasty.nats.url)
  try {
    const histories = historiesOf(await readLog(nc))
    return [...histories].filter(([, [first]]) => first?.event.object_id === objectId).map(([jobId]) => jobId)
  } finally {
    await nc.close()
  }
}

/** Resolves when object_ids that were used before this call may be used again. */
async function untilCooldownIsOver(objectId: string): Promise<void> {
  expect((await postTo(url(0), { object_id: objectId })).status).toBe(201)
  const again = async () => expect((await postTo(url(0), { object_id: objectId })).status).toBe(201)
  await vi.waitFor(again, { timeout: 10_000, interval: 50 })
}

test('the same key with the same body gets the first answer, and is told so', async () => {
  const body = { object_id: 'replayed', payload: { ms: 1, more: { a: 1, b: [2] } }, priority: 'high' }
  const sameBody = { priority: 'high', payload: { more: { b: [2], a: 1 }, ms: 1 }, object_id: 'replayed' }
  const first = await withKey(0, 'replay-1', body)
  expect(first.status).toBe(201)
  expect(first.headers.get('idempotency-replayed')).toBeNull()
  for (const repeated of [
    await withKey(1, 'replay-1', sameBody),
    await withKey(0, 'replay-1', { ...body, type: 'sleep' }, '/v1/jobs'),
  ]) {
    expect(repeated).toMatchObject({ status: 201, body: first.body })
    expect(repeated.headers.get('idempotency-replayed')).toBe('true')
  }
  expect(await jobsOf('replayed')).toEqual([first.body['job_id']])
})

test('the same key with another body is refused, whatever differs', async () => {
  const body = { object_id: 'reused', payload: { ms: 1 } }
  expect((await withKey(0, 'reuse-1', body)).status).toBe(201)
  const others = [
    { ...body, object_id: 'other' },
    { ...body, payload: { ms: 2 } },
    { ...body, priority: 'low' },
  ]
  for (const other of others) {
    expect(await withKey(1, 'reuse-1', other)).toMatchObject({ status: 422, body: { code: 'key-reused' } })
  }
  expect(await jobsOf('other')).toEqual([])
})

test('20 racing requests with one key over two replicas make one job, and each gets it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => withKey(n, 'race-1', { object_id: 'racing with a key' })),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  const ids = new Set(answers.map(({ body }) => body['job_id']))
  expect(await jobsOf('racing with a key')).toEqual([...ids])
})

test('after the cooldown the key still names the first job and makes no second', async () => {
  const first = await withKey(0, 'late-1', { object_id: 'late' })
  await untilCooldownIsOver('clock of late')
  const repeated = await withKey(1, 'late-1', { object_id: 'late' })
  expect(repeated).toMatchObject({ status: 201, body: first.body })
  expect(repeated.headers.get('idempotency-replayed')).toBe('true')
  expect(await jobsOf('late')).toEqual([first.body['job_id']])
})

test('a key whose request the cooldown refused makes the job once it is over', async () => {
  const holder = await postTo(url(0), { object_id: 'held' })
  const refused = await withKey(0, 'held-1', { object_id: 'held' })
  expect(refused).toMatchObject({ status: 400, body: { code: 'cooldown', job_id: holder.body['job_id'] } })
  await untilCooldownIsOver('clock of held')
  const made = await withKey(0, 'held-1', { object_id: 'held' })
  expect(made.status).toBe(201)
  expect(made.headers.get('idempotency-replayed')).toBeNull()
  expect((await getFrom(`${url(1)}/${String(made.body['job_id'])}`)).status).toBe(200)
  expect(await jobsOf('held')).toEqual([holder.body['job_id'], made.body['job_id']])
})

test('the job of a key that waited for hours is seen by every replica right after its 201', async () => {
  const objectId = 'made late'
  const createdAtMs = Date.now() - 20 * HOUR
  const nc = await connectTest(hasty.nats.url)
  // The claim that a request of 20 hours ago left: its job was refused.
  const sha256 = (text: string) => hash('sha256', text, 'base64url')
  const bodyHash = sha256(JSON.stringify({ object_id: objectId, priority: 'normal', type: 'sleep' }))
  const claim = { job_id: newJobId(createdAtMs), created_at_ms: createdAtMs, body_hash: bodyHash }
  await nc.request(`key.${sha256(JSON.stringify(['', 'jobs', 'hours-1']))}`, JSON.stringify(claim))
  await nc.close()
  expect(await withKey(0, 'hours-1', { object_id: objectId })).toMatchObject({
    status: 201,
    body: { job_id: claim.job_id },
  })
  expect((await getFrom(`${url(1)}/${claim.job_id}`)).status).toBe(200)
})

test('what was refused for its form does not use the key up', async () => {
  expect((await withKey(0, 'form-1', { object_id: '' })).status).toBe(400)
  expect((await withKey(0, 'form-1', { object_id: 'form', type: 'no-such' })).status).toBe(400)
  expect((await withKey(0, 'form-1', { object_id: 'form', payload: { ms: -1 } })).status).toBe(400)
  expect((await withKey(0, 'form-1', { object_id: 'form' })).status).toBe(201)
})

test('a key outlives a kill -9 of the broker and the restart of everything', async () => {
  const first = await withKey(0, 'survivor-1', { object_id: 'survivor' })
  await hasty.nats.kill('SIGKILL')
  await hasty.nats.restart()
  await Promise.all(hasty.api.map((api) => api.restart()))
  const repeated = await withKey(1, 'survivor-1', { object_id: 'survivor' })
  expect(repeated).toMatchObject({ status: 201, body: first.body })
})
