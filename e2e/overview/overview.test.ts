// A dashboard asks what happens over all jobs. There are two tenants here, and neither may see the other's.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Calendar } from '#shared/contracts/http/calendar.ts'
import type { ErrorList } from '#shared/contracts/http/errors.ts'
import type { SystemHealth } from '#shared/contracts/http/health.ts'
import type { JobCount, JobList } from '#shared/contracts/http/job-list.ts'
import type { Digest } from '#shared/contracts/http/live.ts'
import type { Series, SeriesPoint } from '#shared/contracts/http/series.ts'
import { bearer, SECRET, tokenOf } from '../auth/tokens.ts'
import { getFrom, postTo, send } from '../support/call.ts'
import { type EventStream, openEventStream } from '../support/event-stream.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'

type Headers = Record<string, string>

const SOON = { timeout: 20_000, interval: 50 }

let hasty: Hasty
let acme: Headers
let umbrella: Headers
let operator: Headers
beforeAll(async () => {
  hasty = await startInProcess({ apiEnv: { AUTH: 'required', JWT_SECRET: SECRET } })
  acme = bearer(await tokenOf('a', { claims: { tenant: 'acme' } }))
  umbrella = bearer(await tokenOf('u', { claims: { tenant: 'umbrella' } }))
  operator = bearer(await tokenOf('o', { claims: { scope: 'admin jobs:read jobs:write' } }))
})
afterAll(() => hasty.stop())

async function make(headers: Headers, body: Record<string, unknown>): Promise<string> {
  const answer = await postTo(`${hasty.url}/v1/jobs`, body, headers)
  expect(answer).toMatchObject({ status: 201 })
  return answer.body['job_id'] as string
}

async function get<Body>(path: string, headers: Headers): Promise<Body> {
  const { status, body } = await getFrom(`${hasty.url}${path}`, headers)
  expect({ status, detail: body['detail'] }).toEqual({ status: 200, detail: undefined })
  return body as Body
}

/** The sum over all points, and whether any of them has durations. */
function sum(points: SeriesPoint[]) {
  const of = (name: 'accepted' | 'started' | 'completed' | 'failed') =>
    points.reduce((total, point) => total + (point[name] ?? 0), 0)
  return { accepted: of('accepted'), started: of('started'), completed: of('completed'), failed: of('failed') }
}

test('a series counts what happened to the jobs that a caller may see', async () => {
  const add = { type: 'add', payload: { numbers: [1, 2] } }
  for (let n = 0; n < 3; n++) await make(acme, { ...add, object_id: `add-${n}` })
  await make(umbrella, { ...add, object_id: 'add-u' })
  await vi.waitFor(async () => {
    const { points } = await get<Series>('/v1/series?type=add', operator)
    expect(sum(points)).toEqual({ accepted: 4, started: 4, completed: 4, failed: 0 })
  }, SOON)
  const { step, complete_until: completeUntil, points, by_type: byType } = await get<Series>('/v1/series?by=type', acme)
  expect(step).toBe('10s')
  expect(Date.parse(completeUntil ?? '')).toBeGreaterThan(Date.now() - 60_000)
  expect(sum(points)).toEqual({ accepted: 3, started: 3, completed: 3, failed: 0 })
  expect(byType).toEqual({ add: points })
  const busy = points.find(({ completed }) => (completed ?? 0) > 0)
  expect(busy?.run?.p50).toBeGreaterThanOrEqual(0)
  expect(busy?.wait?.p99).toBeLessThan(10_000)
  expect(busy).toMatchObject({ waiting: null, running: null })
  // Before the first event nothing is known, which is not the same as nothing happened.
  expect(points[0]).toMatchObject({ accepted: null, failed: null, wait: null })
  const chosen = await get<Series>('/v1/series?tenant=umbrella', operator)
  expect(sum(chosen.points)).toMatchObject({ accepted: 1 })
  expect((await getFrom(`${hasty.url}/v1/series?tenant=acme`, umbrella)).status).toBe(400)
})

test('the step fits the range, and a range of too many spans is refused', async () => {
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString()
  const stepOf = async (from: string, more = '') => (await get<Series>(`/v1/series?from=${from}${more}`, operator)).step
  expect(await stepOf(ago(30 * 60_000))).toBe('10s')
  expect(await stepOf(ago(6 * 3_600_000))).toBe('1m')
  expect(await stepOf(ago(7 * 24 * 3_600_000))).toBe('1h')
  expect(await stepOf(ago(60 * 60_000), '&step=1h')).toBe('1h')
  for (const query of [
    `from=${ago(24 * 3_600_000)}&step=10s`,
    `from=${ago(0)}&to=${ago(60_000)}`,
    'step=2s',
    'by=status',
  ])
    expect({ query, status: (await getFrom(`${hasty.url}/v1/series?${query}`, operator)).status }).toEqual({
      query,
      status: 400,
    })
})

test('how many jobs wait is looked at in the lanes, for who sees all jobs', async () => {
  const pause = (verb: string) => postTo(`${hasty.url}/v1/types/sleep/${verb}`, {}, operator)
  expect(await pause('pause')).toMatchObject({ status: 200 })
  const waiting = await make(acme, { type: 'sleep', object_id: 'waits', payload: { ms: 1 } })
  await vi.waitFor(
    async () => {
      const { points } = await get<Series>('/v1/series?type=sleep', operator)
      expect(points.map((point) => point.waiting)).toContain(1)
    },
    { timeout: 30_000, interval: 250 },
  )
  expect(await pause('resume')).toMatchObject({ status: 200 })
  await vi.waitFor(async () => {
    const { body } = await getFrom(`${hasty.url}/v1/jobs/${waiting}`, acme)
    expect(body['status']).toBe('finished')
  }, SOON)
})

const digests = (stream: EventStream): Digest[] => stream.events.map(({ data }) => data as unknown as Digest)

test('the live stream tells of each type what waits, comes and goes, and of a tenant only its own', async () => {
  await using all = await openEventStream(`${hasty.url}/v1/live`, undefined, operator)
  await using own = await openEventStream(`${hasty.url}/v1/live`, undefined, acme)
  await using same = await openEventStream(`${hasty.url}/v1/live`, undefined, acme)
  await using other = await openEventStream(`${hasty.url}/v1/live`, undefined, umbrella)
  const untilTold = async (stream: EventStream, isIt: (digest: Digest) => boolean) =>
    vi.waitFor(() => expect(digests(stream).find(isIt)).toBeDefined(), SOON)
  for (const stream of [all, own, other]) await untilTold(stream, ({ types }) => types['add']?.in !== null)
  for (let n = 0; n < 4; n++) await make(acme, { type: 'add', object_id: `live-${n}`, payload: { numbers: [1] } })
  const flowed = (stream: EventStream, name: 'in' | 'out') =>
    digests(stream).reduce((flow, { types }) => flow + (types['add']?.[name] ?? 0), 0)
  await vi.waitFor(() => {
    for (const stream of [all, own]) expect([flowed(stream, 'in'), flowed(stream, 'out')]).toEqual([4, 4])
  }, SOON)
  expect(flowed(other, 'in')).toBe(0)
  // One text for all readers of a tenant.
  const [one] = own.events
  expect(same.events.find(({ id }) => id === one?.id)).toEqual(one)
  const last = digests(all).at(-1)
  expect(last).toMatchObject({ workers: 1, verdict: { code: 'healthy' } })
  expect(last?.types['sleep']).toMatchObject({ state: 'idle', waiting: 0, running: 0 })
  expect(Date.parse(last?.changed_jobs_at ?? '')).toBeLessThan(Date.now())
})

test('a running type, an idle one and one that no worker runs are told apart', async () => {
  const put = await send('PUT', `${hasty.url}/v1/types/nobody`, { runner: 'http' }, operator)
  expect(put.status).toBe(201)
  const ids = [
    await make(acme, { type: 'nobody', object_id: 'stalls' }),
    await make(umbrella, { type: 'sleep', object_id: 'runs', payload: { ms: 60_000 } }),
  ]
  const look = (headers: Headers) => get<Digest>('/v1/live', headers)
  await vi.waitFor(async () => {
    const { types, verdict } = await look(operator)
    expect(types['nobody']).toMatchObject({ state: 'stalled', waiting: 1, running: 0 })
    expect(types['sleep']).toMatchObject({ state: 'running', running: 1 })
    expect(types['add']).toMatchObject({ state: 'idle' })
    expect(verdict).toMatchObject({ code: 'no_worker', type: 'nobody' })
  }, SOON)
  expect((await look(acme)).types['nobody']).toMatchObject({ state: 'stalled', waiting: 1, running: null })
  const others = await look(umbrella)
  expect(Object.keys(others.types)).not.toContain('nobody')
  expect(others.verdict.code).toBe('healthy')
  for (const id of ids) await send('DELETE', `${hasty.url}/v1/jobs/${id}`, undefined, operator)
})

test('errors of one kind are counted together, and list, redrive and cancel find the jobs that have one', async () => {
  // The result is no number.
  const fail = (headers: Headers, n: number) =>
    make(headers, { type: 'multiply', object_id: `fails-${n}`, payload: { numbers: [1e308, 1e300 * n] } })
  const mine = [await fail(acme, 1), await fail(acme, 2)]
  await fail(umbrella, 3)
  const errors = async (headers: Headers, query = '') => (await get<ErrorList>(`/v1/errors${query}`, headers)).errors
  await vi.waitFor(async () => expect((await errors(operator, '?type=multiply'))[0]?.count).toBe(3), SOON)
  const [own] = await errors(acme)
  expect(own).toMatchObject({ type: 'multiply', jobs_failed_now: 2, count: 2, sample_job_id: mine[1] })
  expect(own?.spark.at(-1)).toBe(2)
  expect(await errors(umbrella)).toMatchObject([{ fingerprint: own?.fingerprint, count: 1 }])
  expect(await errors(umbrella, `?from=${new Date(Date.now() + 60_000).toISOString()}`)).toEqual([])
  const filter = { error: own?.fingerprint }
  const found = await get<JobList>(`/v1/jobs?error=${own?.fingerprint}`, acme)
  expect(found.items.map(({ job_id }) => job_id)).toEqual(mine.toReversed())
  expect(await get<JobList>('/v1/jobs?error=0123456789abcdef', acme)).toMatchObject({ items: [] })
  expect((await getFrom(`${hasty.url}/v1/jobs?error=other`, acme)).status).toBe(400)
  const cancel = await postTo(`${hasty.url}/v1/cancel`, { ...filter, dry_run: true }, acme)
  expect(cancel).toMatchObject({ status: 200, body: { matched: 0 } })
  const redrive = await postTo(`${hasty.url}/v1/redrive`, { ...filter, dry_run: true }, acme)
  expect(redrive).toMatchObject({ status: 200, body: { matched: 2 } })
  // In pages.
  const page = await get<ErrorList>('/v1/errors?limit=1', operator)
  expect(page.errors).toHaveLength(1)
})

test('jobs are found by payload, attempts, worker, tenant and the beginning of their id, and counted', async () => {
  const numbers = (n: number) => ({ numbers: [n, 1], note: `order "${n}"` })
  const made = [
    await make(acme, { type: 'task', object_id: 'f-1', payload: { data: numbers(7), ms: 1 } }),
    await make(acme, { type: 'task', object_id: 'f-2', payload: { data: numbers(8), ms: 1 } }),
    await make(umbrella, { type: 'task', object_id: 'f-3', payload: { data: numbers(7), ms: 1 } }),
  ] as const
  const find = async (query: string, headers: Headers = operator) => {
    const { items, scanned_to: scannedTo, next_cursor: next } = await get<JobList>(`/v1/jobs?${query}`, headers)
    expect({ scannedTo, next }).toEqual({ scannedTo: null, next: null })
    return items.map(({ job_id }) => job_id)
  }
  await vi.waitFor(async () => expect(await find('type=task&status=finished')).toHaveLength(3), SOON)
  expect(await find('payload/data/numbers/0=7')).toEqual([made[2], made[0]])
  expect(await find('payload[/data/numbers/0]=7', acme)).toEqual([made[0]])
  expect(await find(`payload/data/note=${encodeURIComponent('order "8"')}&type=task`)).toEqual([made[1]])
  expect(await find('type=task&tenant=umbrella')).toEqual([made[2]])
  expect(await find(`id_prefix=${made[1].slice(0, 14)}`)).toEqual([made[1]])
  expect(await find('type=task&attempts_min=1')).toHaveLength(3)
  expect(await find('type=task&attempts_min=2')).toEqual([])
  const { body } = await getFrom(`${hasty.url}/v1/jobs/${made[0]}`, acme)
  const [{ worker_id: workerId }] = body['attempts'] as [{ worker_id: string }]
  expect(await find(`type=task&worker=${workerId}`, acme)).toEqual([made[1], made[0]])
  expect((await getFrom(`${hasty.url}/v1/jobs?tenant=acme`, umbrella)).status).toBe(400)

  const count = (query: string, headers: Headers) => get<JobCount>(`/v1/jobs/count?${query}`, headers)
  expect(await count('type=task', operator)).toMatchObject({ count: 3, capped: false, scanned_to: null, lag_ms: 0 })
  expect(await count('type=task', acme)).toMatchObject({ count: 2 })
  expect(await count('type=task&payload/data/numbers/0=7', acme)).toMatchObject({ count: 1, capped: false })
  const filter = { type: 'task', status: ['timeout', 'failed', 'cancelled'], payload: { '/data/numbers/0': 7 } }
  expect(await postTo(`${hasty.url}/v1/redrive`, { ...filter, dry_run: true }, operator)).toMatchObject({
    status: 200,
    body: { matched: 0 },
  })
  // In pages, each of which begins behind the last job shown.
  const page = await get<JobList>('/v1/jobs?payload/data/numbers/1=1&limit=1', operator)
  expect(page.items.map(({ job_id }) => job_id)).toEqual([made[2]])
  const link = (await getFrom(`${hasty.url}/v1/jobs?payload/data/numbers/1=1&limit=1`, operator)).headers.get('link')
  const next = /<(.*)>/.exec(link ?? '')?.[1] ?? ''
  expect((await get<JobList>(next, operator)).items.map(({ job_id }) => job_id)).toEqual([made[1]])
})

test('the calendar says how often the schedules of a caller tick', async () => {
  const put = (name: string, body: Record<string, unknown>, headers: Headers) =>
    send('PUT', `${hasty.url}/v1/schedules/${name}`, { job: { type: 'sleep', object_id: 's' }, ...body }, headers)
  expect(await put('hourly', { cron: '0 * * * *' }, acme)).toMatchObject({ status: 201 })
  expect(await put('often', { every_ms: 60_000 }, umbrella)).toMatchObject({ status: 201 })
  const at = '2030-01-01T00:00:00.000Z'
  const query = `from=${at}&to=2030-01-01T03:00:00Z`
  const calendar = await get<Calendar>(`/v1/schedules/calendar?${query}`, acme)
  expect(calendar.hours).toHaveLength(3)
  expect(calendar.hours[0]).toEqual({ t: at, ticks: 1, schedules: [{ name: 'hourly', ticks: 1 }] })
  const others = await get<Calendar>(`/v1/schedules/calendar?${query}`, umbrella)
  expect(others.hours.map(({ ticks }) => ticks)).toEqual([60, 60, 60])
  const tooLong = `${hasty.url}/v1/schedules/calendar?from=${at}&to=2031-01-01T00:00:00Z`
  expect((await getFrom(tooLong, acme)).status).toBe(400)
})

test('the health of the whole is for operators, and tells no address and no secret', async () => {
  const health = await get<SystemHealth>('/v1/health', operator)
  expect(health).toMatchObject({
    status: 'ok',
    checks: { broker: 'ok', store: 'ok' },
    broker: { up: true },
    store: { kind: 'sqlite', rebuilding: false },
    replicas: { keeper: expect.any(String), workers: [{ lends: true }] },
    settings: { AUTH: 'required' },
  })
  expect(health.log?.used).toBeLessThan(1)
  expect(health.log?.last_seq).toBeGreaterThan(0)
  const text = JSON.stringify(health)
  for (const hidden of [SECRET, 'nats://', hasty.dir]) expect(text).not.toContain(hidden)
  expect((await getFrom(`${hasty.url}/v1/health`, acme)).status).toBe(403)
})

test('a stream ends when its replica stops', async () => {
  await using stream = await openEventStream(`${hasty.url}/v1/live`, undefined, operator)
  await vi.waitFor(() => expect(stream.events.length).toBeGreaterThan(0), SOON)
  await hasty.api[0]?.stop()
  await stream.ended
  await hasty.api[0]?.restart()
})
