import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { JOB_STATUSES, type JobStatus } from '#shared/contracts/log/job.ts'
import { getFrom, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { listAll, listJobs, readStats, untilListed } from './list.ts'

/** A type for each test, so that it knows all jobs under its filter. */
const TYPES = ['paged', 'mixed', 'counted', 'large', 'timed', 'named', 'tagged', 'slow']

const handlerFile = (type: string) => `
  export const handler = {
    type: '${type}',
    policy: { max_attempts: 1 },
    async run(payload: { fail?: boolean; hang?: boolean } | null, { signal }) {
      if (payload?.hang) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      if (payload?.fail) throw new Error('as asked')
      return { done: true }
    },
  }`

const HOUR_MS = 3_600_000

let hasty: Hasty
let handlersDir: string
beforeAll(async () => {
  handlersDir = await mkdtemp(join(tmpdir(), 'hasty-handlers-'))
  for (const type of TYPES) await writeFile(join(handlersDir, `${type}.ts`), handlerFile(type))
  hasty = await startInProcess({ nginx: true, env: { HANDLERS_DIR: handlersDir, COOLDOWN_MS: '0', JOB_SLOTS: '20' } })
})
afterAll(async () => {
  await hasty.stop()
  await rm(handlersDir, { recursive: true })
})

/** Creates jobs one after the other, so that their order is known. */
async function makeJobs(count: number, body: Record<string, unknown>): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < count; n++) ids.push(await makeJob(hasty, body))
  return ids
}

describe('GET /v1/jobs', () => {
  test('shows the newest jobs first, as they are at their own address but without payload and result', async () => {
    const ids = await makeJobs(3, { type: 'named', payload: { secret: 'in the payload' } })
    for (const id of ids) await untilJob(hasty, id, { status: 'finished' })
    await untilListed(hasty, 'type=named&status=finished', 3)
    const { items, next_cursor, headers } = await listJobs(hasty, 'type=named')
    expect(items.map((each) => each.job_id)).toEqual(ids.toReversed())
    expect(next_cursor).toBeNull()
    expect(headers.get('link')).toBeNull()
    for (const item of items) {
      const { payload: _payload, result: _result, ...rest } = await readJob(hasty, item.job_id)
      expect(item).toStrictEqual(rest)
    }
  })

  test('pages through 120 jobs without gap or repeat while new ones arrive', async () => {
    const ids = await makeJobs(120, { type: 'paged' })
    await untilListed(hasty, 'type=paged', 120)
    const pages = await listAll(hasty, 'type=paged&limit=25', () => makeJob(hasty, { type: 'paged' }))
    expect(pages.map((page) => page.length)).toEqual([25, 25, 25, 25, 20])
    expect(pages.flat()).toEqual(ids.toReversed())
    await untilListed(hasty, 'type=paged', 125)
  })

  test('links to the next page, under the same filters', async () => {
    const object_id = 'ü & "?#+%25'
    const ids = await makeJobs(3, { type: 'named', object_id })
    const query = `status=finished&status=processing,finished&object_id=${encodeURIComponent(object_id)}`
    await untilListed(hasty, query, 3)
    const first = await listJobs(hasty, `${query}&limit=2`)
    const link = /^<(.*)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
    const { status, body } = await getFrom(`${hasty.url}${link}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ items: [{ job_id: ids[0], object_id }], next_cursor: null })
    expect(first.items.map((each) => each.job_id)).toEqual([ids[2], ids[1]])
  })

  test('keeps to all filters together', async () => {
    const finished = await makeJob(hasty, { type: 'mixed', object_id: 'mixed-1' })
    const failed = await makeJob(hasty, { type: 'mixed', object_id: 'mixed-1', payload: { fail: true } })
    const scheduled = await makeJob(hasty, { type: 'mixed', object_id: 'mixed-2', delay_ms: HOUR_MS })
    await untilJob(hasty, finished, { status: 'finished' })
    await untilJob(hasty, failed, { status: 'failed' })
    await untilListed(hasty, 'type=mixed&status=failed,finished', 2)
    await untilListed(hasty, 'type=mixed&status=scheduled', 1)
    const list = async (query: string) => (await listAll(hasty, query)).flat()
    expect(await list('type=mixed')).toEqual([scheduled, failed, finished])
    expect(await list('type=mixed&status=failed')).toEqual([failed])
    expect(await list('object_id=mixed-1')).toEqual([failed, finished])
    expect(await list('object_id=mixed-1&status=finished')).toEqual([finished])
    expect(await list('object_id=mixed-1&status=scheduled')).toEqual([])
    expect(await list('object_id=mixed-2&type=mixed&status=scheduled')).toEqual([scheduled])
    expect(await list('object_id=mixed-2&type=paged')).toEqual([])
    expect(await list('object_id=never-used')).toEqual([])
  })

  test('keeps to the time from created_after up to created_before, in any time zone', async () => {
    const ids = await makeJobs(3, { type: 'timed' })
    await untilListed(hasty, 'type=timed', 3)
    const created = await Promise.all(ids.map(async (id) => (await readJob(hasty, id)).created_at))
    const list = async (query: string) => (await listAll(hasty, `type=timed&${query}`)).flat()
    expect(await list(`created_after=${created[1]}`)).toEqual([ids[2], ids[1]])
    expect(await list(`created_before=${created[1]}`)).toEqual([ids[0]])
    expect(await list(`created_after=${created[0]}&created_before=${created[2]}`)).toEqual([ids[1], ids[0]])
    const elsewhere = new Date(Date.parse(created[1] ?? '') + 2 * HOUR_MS).toISOString().replace('Z', '+02:00')
    expect(await list(`created_after=${encodeURIComponent(elsewhere)}`)).toEqual([ids[2], ids[1]])
    expect(await list('created_after=0001-01-01T00:00:00Z&created_before=9999-12-31T23:59:59Z')).toHaveLength(3)
    expect(await list('created_after=9999-12-31T23:59:59Z')).toEqual([])
    expect(await list('created_before=0001-01-01T00:00:00Z')).toEqual([])
  })

  test('finds jobs by a tag, with all other filters, and redrives and streams by it too', async () => {
    const [a, b] = ['customer:42', 'shop/eu']
    const one = await makeJob(hasty, { type: 'tagged', tags: [a, b] })
    const two = await makeJob(hasty, { type: 'tagged', tags: [a], object_id: 'two', payload: { fail: true } })
    const other = await makeJob(hasty, { type: 'named', tags: [b] })
    await makeJob(hasty, { type: 'tagged' })
    await untilListed(hasty, 'type=tagged&status=finished,failed', 3)
    await untilListed(hasty, `tag=${b}&status=finished`, 2)
    const list = async (query: string) => (await listAll(hasty, query)).flat()
    expect(await list(`tag=${a}&limit=1`)).toEqual([two, one])
    expect(await list(`tag=${b}`)).toEqual([other, one])
    expect(await list(`tag=${b}&type=tagged`)).toEqual([one])
    expect(await list(`tag=${a}&status=failed`)).toEqual([two])
    expect(await list(`tag=${a}&object_id=two`)).toEqual([two])
    expect(await list(`tag=${b}&object_id=two`)).toEqual([])
    expect(await list('tag=customer:4')).toEqual([])
    expect((await readJob(hasty, one)).tags).toEqual([a, b])
    const { body } = await send('POST', `${hasty.url}/v1/redrive`, { tag: a })
    expect(body).toMatchObject({ matched: 1, retried: 1, job_ids: [two] })
    await untilJob(hasty, two, { status: 'failed', round: 2, tags: [a] })
    const events = (await getFrom(`${hasty.url}/v1/events?tag=${b}&limit=1000`)).body['items'] as { job_id: string }[]
    expect(new Set(events.map(({ job_id }) => job_id))).toEqual(new Set([one, other]))
  })

  test.each([
    ['17 tags', Array.from({ length: 17 }, (_, n) => `t${n}`), '/tags'],
    ['a tag twice', ['a', 'a'], '/tags'],
    ['a tag with a comma', ['a,b'], '/tags/0'],
    ['a tag of 129 characters', ['a'.repeat(129)], '/tags/0'],
    ['an empty tag', [''], '/tags/0'],
    ['a tag that is no text', [42], '/tags/0'],
  ])('%s are refused', async (_, tags, pointer) => {
    const answer = await send('POST', `${hasty.url}/v1/jobs`, { object_id: 'bad tags', type: 'tagged', tags })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request', errors: [{ pointer }] } })
  })

  test('finds jobs by the time of their end, and those that a timeout ended', async () => {
    const slow = await makeJob(hasty, { type: 'slow', payload: { hang: true }, timeout_ms: 20 })
    await untilJob(hasty, slow, { status: 'failed', reason: 'timeout' })
    const failed = await makeJob(hasty, { type: 'slow', payload: { fail: true } })
    const running = await makeJob(hasty, { type: 'slow', delay_ms: HOUR_MS })
    const { finished_at: endedAt } = await untilJob(hasty, failed, { status: 'failed' })
    await untilListed(hasty, 'type=slow', 3)
    await untilListed(hasty, 'type=slow&status=failed', 2)
    const list = async (query: string) => (await listAll(hasty, `type=slow&${query}`)).flat()
    expect(await list('status=timeout')).toEqual([slow])
    expect(await list('status=scheduled,timeout')).toEqual([running, slow])
    expect(await list(`ended_after=${endedAt}`)).toEqual([failed])
    expect(await list(`ended_before=${endedAt}`)).toEqual([slow])
    expect(await list('ended_before=9999-12-31T23:59:59Z')).toEqual([failed, slow])
    expect((await readStats(hasty)).by_type['slow']).toEqual({ failed: 2, scheduled: 1 })
  })

  test('answers 200 jobs of 512 KiB each with what is shown of them alone', async () => {
    const payload = { text: 'x'.repeat(512 * 1024) }
    for (let n = 0; n < 25; n++)
      await Promise.all(Array.from({ length: 8 }, () => makeJob(hasty, { type: 'large', payload })))
    await untilListed(hasty, 'type=large&status=finished', 200)
    const response = await fetch(`${hasty.url}/v1/jobs?type=large&limit=200`)
    const text = await response.text()
    expect((JSON.parse(text) as { items: unknown[] }).items).toHaveLength(200)
    expect(text.length).toBeLessThan(200 * 1_500)
  })
})

describe('GET /v1/stats', () => {
  test('counts what the list shows, also after jobs ended, failed and were cancelled', async () => {
    const ended = await Promise.all([makeJob(hasty, { type: 'counted' }), makeJob(hasty, { type: 'counted' })])
    const failed = await makeJob(hasty, { type: 'counted', payload: { fail: true } })
    const scheduled = await makeJobs(3, { type: 'counted', delay_ms: HOUR_MS })
    for (const id of ended) await untilJob(hasty, id, { status: 'finished' })
    await untilJob(hasty, failed, { status: 'failed' })
    const cancelled = await send('POST', `${hasty.url}/v1/jobs/${scheduled[0]}/cancel`)
    expect(cancelled.body).toMatchObject({ status: 'cancelled' })

    const expected = { finished: 2, failed: 1, scheduled: 2, cancelled: 1 }
    await vi.waitFor(async () => expect((await readStats(hasty)).by_type['counted']).toEqual(expected), {
      timeout: 10_000,
    })
    const { total, by_status } = await readStats(hasty)
    expect(Object.keys(by_status).toSorted()).toEqual([...JOB_STATUSES].toSorted())
    const listed = async (query: string) => (await listAll(hasty, `${query}&limit=200`)).flat().length
    for (const status of JOB_STATUSES) {
      expect(await listed(`status=${status}`)).toBe(by_status[status])
      expect(await listed(`status=${status}&type=counted`)).toBe(
        (expected as Partial<Record<JobStatus, number>>)[status] ?? 0,
      )
    }
    expect(await listed('')).toBe(total)
  })
})

test('lists and counts say how old they are: 0 where nothing is missing, and more and more while no keeper runs', async () => {
  await vi.waitFor(async () => expect((await listJobs(hasty, 'limit=1')).lag_ms).toBe(0), { timeout: 10_000 })
  expect((await readStats(hasty)).lag_ms).toBe(0)
  const [keeper] = hasty.keeper
  await keeper?.stop()
  const jobId = await makeJob(hasty, { type: 'named', object_id: 'unseen' })
  const before = await listJobs(hasty, 'object_id=unseen')
  expect(before.items).toEqual([])
  expect(before.lag_ms).toBeGreaterThan(0)
  const { created_at: createdAt } = await readJob(hasty, jobId)
  expect(Date.parse(before.as_of ?? '')).toBeLessThanOrEqual(Date.parse(createdAt))
  await vi.waitFor(async () => expect((await readStats(hasty)).lag_ms).toBeGreaterThan(1_500), { timeout: 10_000 })
  await keeper?.restart()
  await untilListed(hasty, 'object_id=unseen', 1)
})
