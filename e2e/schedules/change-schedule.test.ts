import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { ScheduleView } from '#shared/contracts/http/schedules.ts'
import type { ScheduleKey } from '#shared/schedules/schedule-records.ts'
import { HOUR, isoTime } from '#shared/time/clock.ts'
import { deleteSchedule } from '../../services/api/schedules/change-schedule.ts'
import { type ApiAnswer, countStatuses, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { untilJob } from '../support/jobs.ts'
import { address, named, openLog, openRecords, put, QUICK_JOB, untilView, view } from './schedule-calls.ts'

let hasty: Hasty
let log: Awaited<ReturnType<typeof openLog>>
/** Addresses of two replicas. */
let here: string
let there: string

beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 1 })
  log = await openLog(hasty.nats.url)
  here = hasty.api[0]?.url ?? ''
  there = hasty.api[1]?.url ?? ''
})

afterAll(async () => {
  await log[Symbol.asyncDispose]()
  await hasty.stop()
})

const putIf = async (url: string, name: string, body: unknown, headers: Record<string, string>): Promise<number> => {
  const sent = { method: 'PUT', headers: { 'content-type': 'application/json', ...headers } }
  return (await fetch(address(url, name), { ...sent, body: JSON.stringify(body) })).status
}

const names = async (url: string): Promise<string[]> => {
  const { body } = await send('GET', `${url}/v1/schedules`)
  return (body['items'] as ScheduleView[]).map(({ name }) => name)
}

const untilTicks = (name: string, count: number) =>
  vi.waitFor(
    async () => {
      const ticks = await log.ticks(name)
      expect(ticks.length).toBeGreaterThanOrEqual(count)
      return ticks
    },
    { timeout: 20_000, interval: 100 },
  )

test('a schedule is made, shown with its next times, listed and deleted', async () => {
  const body = {
    cron: '30 6 * * 1-5',
    timezone: 'Europe/Berlin',
    job: { ...QUICK_JOB, object_id: 'report', attempts: 2 },
  }
  const made = await put(here, 'nightly.report', body)
  expect(made).toMatchObject({
    status: 201,
    body: { name: 'nightly.report', cron: '30 6 * * 1-5', every_ms: null, timezone: 'Europe/Berlin', paused: false },
  })
  expect(made.headers.get('etag')).toMatch(/^"\d+"$/)
  const seen = await view(there, 'nightly.report')
  expect(seen).toEqual(made.body)
  expect(seen).toMatchObject({ on_missed: 'latest', last_tick_at: null, last_job_id: null, last_error: null })
  expect(seen.job).toEqual({ ...body.job, priority: 'normal' })
  expect(seen.next_runs).toHaveLength(5)
  expect(seen.next_runs[0]).toBe(seen.next_run_at)
  for (const time of seen.next_runs) {
    const local = { timeZone: 'Europe/Berlin', weekday: 'short', hour: '2-digit', minute: '2-digit' } as const
    expect(new Date(time).toLocaleString('en-GB', local)).toMatch(/^(Mon|Tue|Wed|Thu|Fri),? 06:30$/)
  }
  await put(there, 'another', { every_ms: HOUR, job: { ...QUICK_JOB, payload: { ms: 5 } } })
  for (const url of [here, there]) expect(await names(url)).toEqual(['another', 'nightly.report'])
  const { body: list } = await send('GET', `${here}/v1/schedules`)
  const [first] = list['items'] as Record<string, unknown>[]
  expect(first).toMatchObject({ name: 'another', next_run_at: expect.any(String) as string })
  expect(first?.['job']).toEqual({ type: 'sleep', priority: 'normal' })
  for (const name of ['another', 'nightly.report']) {
    expect(await send('DELETE', address(here, name))).toMatchObject({ status: 204 })
    for (const url of [here, there]) expect(await send('GET', address(url, name))).toMatchObject({ status: 404 })
  }
  expect(await names(there)).toEqual([])
})

test('the same PUT once more changes nothing, and other times begin from now', async () => {
  const body = { every_ms: HOUR, ends_at: '2100-01-01T00:00:00Z' }
  const first = await put(here, 'same', body)
  const again = await put(there, 'same', body)
  expect(again).toMatchObject({ status: 200, body: first.body })
  expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  const other = await put(here, 'same', { ...body, on_missed: 'all' })
  expect(other).toMatchObject({ status: 200, body: { on_missed: 'all', next_runs: first.body['next_runs'] } })
  expect(other.headers.get('etag')).not.toBe(first.headers.get('etag'))
  const quicker = await put(here, 'same', { ...body, every_ms: HOUR / 2 })
  expect(quicker.body['created_at']).toBe(first.body['created_at'])
  const updatedMs = Date.parse(quicker.body['updated_at'] as string)
  expect(quicker.body['next_run_at']).toBe(isoTime(updatedMs + HOUR / 2))
})

test('of two PUTs with the same If-Match one wins, also while it ticks', async () => {
  await put(here, 'raced', { every_ms: 1_000 })
  await untilView(there, 'raced', { last_tick_at: expect.any(String) as string })
  for (let round = 0; round < 20; round++) {
    const etag = (await send('GET', address(here, 'raced'))).headers.get('etag') ?? ''
    const body = (size: number) => ({ every_ms: 1_000, job: { type: 'sleep', payload: { ms: size } } })
    const statuses = await Promise.all([
      putIf(here, 'raced', body(2 * round + 10), { 'if-match': etag }),
      putIf(there, 'raced', body(2 * round + 11), { 'if-match': etag }),
    ])
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 412])
  }
  const etag = (await send('GET', address(here, 'raced'))).headers.get('etag') ?? ''
  const ticked = (await view(here, 'raced')).last_tick_at
  await vi.waitFor(async () => expect((await view(here, 'raced')).last_tick_at).not.toBe(ticked), 10_000)
  expect(await putIf(here, 'raced', { every_ms: HOUR, job: QUICK_JOB }, { 'if-match': etag })).toBe(200)
})

test('preconditions hold for what is there and for what is not', async () => {
  const body = { every_ms: HOUR, job: QUICK_JOB }
  expect(await putIf(here, 'absent', body, { 'if-match': '*' })).toBe(412)
  expect(await putIf(here, 'absent', body, { 'if-none-match': '*' })).toBe(201)
  expect(await putIf(here, 'absent', body, { 'if-none-match': '*' })).toBe(412)
  // A proxy may repeat a request whose first try took effect.
  expect(await putIf(here, 'absent', body, { 'if-match': '"1"' })).toBe(200)
  expect(await putIf(here, 'absent', { ...body, every_ms: HOUR + 1 }, { 'if-match': '"1"' })).toBe(412)
  const remove = (etag: string) => fetch(address(there, 'absent'), { method: 'DELETE', headers: { 'if-match': etag } })
  expect(await (await remove('"1", W/"2"')).json()).toMatchObject({ status: 412, code: 'precondition-failed' })
  expect((await remove('*')).status).toBe(204)
})

test('of many who make the same schedule at once one has made it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => put(i % 2 === 0 ? here : there, 'many', { every_ms: HOUR })),
  )
  expect(countStatuses(answers)).toEqual({ 200: 19, 201: 1 })
})

test('a schedule that changes on one replica is followed by the other, and rests while it is paused', async () => {
  await put(here, 'followed', { every_ms: HOUR })
  await put(here, 'followed', { every_ms: 1_000 })
  await untilTicks('followed', 2)
  expect(await send('POST', address(there, 'followed', '/pause'))).toMatchObject({
    status: 200,
    body: { paused: true, next_run_at: null, next_runs: [] },
  })
  const paused = (await log.ticks('followed')).length
  await put(here, 'witness', { every_ms: 1_000 })
  await untilTicks('witness', 3)
  expect((await log.ticks('followed')).length).toBeLessThanOrEqual(paused + 1)
  const resumed = await send('POST', address(here, 'followed', '/resume'))
  expect(resumed).toMatchObject({ status: 200, body: { paused: false } })
  const resumedMs = Date.parse(resumed.body['updated_at'] as string)
  const ticks = await untilTicks('followed', paused + 3)
  // No ticks of the pause are made up for, and the rhythm is unchanged.
  const [first] = ticks
  const pausedMs = ticks[paused]?.tickMs ?? 0
  expect(ticks.filter(({ tickMs }) => tickMs > pausedMs && tickMs <= resumedMs)).toEqual([])
  expect(ticks.every(({ tickMs }) => (tickMs - (first?.tickMs ?? 0)) % 1_000 === 0)).toBe(true)
  for (const name of ['followed', 'witness']) await send('DELETE', address(there, name))
  const deleted = (await log.ticks('followed')).length
  await put(there, 'witness-2', { every_ms: 1_000 })
  await untilTicks('witness-2', 3)
  expect((await log.ticks('followed')).length).toBeLessThanOrEqual(deleted + 1)
  await send('DELETE', address(here, 'witness-2'))
})

test('a schedule whose tick is written down while it is being deleted is gone all the same', async () => {
  await using old = await openRecords(hasty.nats.url)
  const { records } = old
  await put(here, 'doomed', { every_ms: HOUR })
  let ticks = 0
  const read = async (key: ScheduleKey) => {
    const found = await records.read(key)
    if (found?.record && ticks++ < 3)
      await records.write(key, { ...found.record, last_tick_at: isoTime(ticks) }, { afterSeq: found.seq })
    return found
  }
  const remove = (key: ScheduleKey, seq: number) => records.remove(key, seq)
  await deleteSchedule({ read, remove }, named('doomed'), { ifMatch: '', ifNoneMatch: '' })
  expect(ticks).toBe(4)
  expect(await send('GET', address(here, 'doomed'))).toMatchObject({ status: 404 })
})

test('trigger makes one job now, and as many as it is asked for', async () => {
  await put(here, 'by-hand', { every_ms: HOUR, job: { type: 'add', payload: { numbers: [20, 22] } } })
  const trigger = (key?: string) =>
    fetch(address(there, 'by-hand', '/trigger'), {
      method: 'POST',
      headers: key === undefined ? {} : { 'idempotency-key': key },
    })
  const first = await trigger()
  expect(first.status).toBe(201)
  const job = (await first.json()) as ApiAnswer['body']
  expect(job).toMatchObject({ object_id: 'schedule:by-hand', type: 'add', status: 'processing' })
  expect(first.headers.get('location')).toBe(`/v1/jobs/${String(job['job_id'])}`)
  await untilJob(hasty, String(job['job_id']), { status: 'finished', result: 42 })
  expect((await trigger()).status).toBe(201)
  const keyed = await Promise.all([trigger('k'), trigger('k')])
  expect(
    new Set(await Promise.all(keyed.map(async (answer) => ((await answer.json()) as ApiAnswer['body'])['job_id'])))
      .size,
  ).toBe(1)
  expect(await log.ticks('by-hand')).toHaveLength(3)
  expect(await view(here, 'by-hand')).toMatchObject({ last_tick_at: null, last_job_id: null })
})

test('a schedule ends with its last time, and a start in the future is its first', async () => {
  const startMs = Date.now() + 1_500
  const times = { starts_at: isoTime(startMs), ends_at: isoTime(startMs + 2_000) }
  expect(await put(here, 'short', { every_ms: 1_000, ...times })).toMatchObject({
    status: 201,
    body: { next_runs: [0, 1_000, 2_000].map((ms) => isoTime(startMs + ms)) },
  })
  await untilView(there, 'short', { next_run_at: null, next_runs: [], last_tick_at: times.ends_at })
  expect((await log.ticks('short')).map(({ tickMs }) => tickMs - startMs)).toEqual([0, 1_000, 2_000])
  expect(await put(here, 'short', { every_ms: 1_000, ...times })).toMatchObject({ status: 200 })
})

test.each(['GET /x', 'DELETE /x', 'POST /x/pause', 'POST /x/resume', 'POST /x/trigger', 'GET /%2F', 'GET /-a'])(
  '%s of a schedule that is not there is 404',
  async (request) => {
    const [method = '', path = ''] = request.split(' ')
    expect(await send(method, `${here}/v1/schedules${path}`)).toMatchObject({
      status: 404,
      body: { code: 'schedule-not-found' },
    })
  },
)
