import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { SCHEDULED_JOB_MAX_BYTES, SCHEDULES_MAX, type ScheduleList } from '#shared/contracts/http/schedules.ts'
import { SCHEDULES_STREAM } from '#shared/contracts/log/subjects.ts'
import { HOUR, SECOND } from '#shared/time/clock.ts'
import { getFrom, send } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { connectTest } from '../support/read-log.ts'
import { someAtOnce } from '../support/some-at-once.ts'
import { named, oldRecord, openLog, openRecords, put, QUICK_JOB, untilView } from './schedule-calls.ts'

let hasty: Mixed<'keeper'>

beforeAll(async () => {
  hasty = await startMixed(['keeper'], { apis: 1, jobs: 1 })
})

afterAll(() => hasty.stop())

const stored = async (): Promise<number> => {
  const nc = await connectTest(hasty.nats.url)
  try {
    return (await (await jetstreamManager(nc)).streams.info(SCHEDULES_STREAM)).state.last_seq
  } finally {
    await nc.close()
  }
}

const every = { every_ms: HOUR }
const daily = { cron: '0 0 * * *' }

test.each<[string, Record<string, unknown>, string, string?]>([
  ['neither cron nor every_ms', {}, '/cron'],
  ['both', { ...every, ...daily }, '/every_ms'],
  ['an empty cron', { cron: '' }, '/cron'],
  ['a cron of six fields', { cron: '0 0 0 * * *' }, '/cron'],
  ['a cron of four', { cron: '0 0 * *' }, '/cron'],
  ['a nickname', { cron: '@daily' }, '/cron'],
  ['minute 61', { cron: '61 * * * *' }, '/cron'],
  ['a step of 0', { cron: '*/0 * * * *' }, '/cron'],
  ['words', { cron: 'at noon on every day' }, '/cron'],
  ['a cron that is a number', { cron: 5 }, '/cron'],
  ['a cron of 300 characters', { cron: `${'0,'.repeat(150)}0 * * * *` }, '/cron'],
  ['the 31st of February', { cron: '0 0 31 2 *' }, '/cron'],
  ['a zone that is none', { ...daily, timezone: 'Nope/Zone' }, '/timezone'],
  ['an empty zone', { ...daily, timezone: '' }, '/timezone'],
  ['an offset for a zone', { ...daily, timezone: '+02:00' }, '/timezone'],
  ['a zone beside every_ms that is none', { ...every, timezone: 'Mars/Base' }, '/timezone'],
  ['every 999 ms', { every_ms: 999 }, '/every_ms'],
  ['every 1.5 s, and a bit', { every_ms: 1_500.5 }, '/every_ms'],
  ['every ten years', { every_ms: 10 * 366 * 24 * HOUR }, '/every_ms'],
  ['a policy that is none', { ...every, on_missed: 'some' }, '/on_missed'],
  ['a start that is no time', { ...every, starts_at: 'tomorrow' }, '/starts_at'],
  [
    'an end before the start',
    { ...every, starts_at: '2100-01-02T00:00:00Z', ends_at: '2100-01-01T00:00:00Z' },
    '/ends_at',
  ],
  ['an end in the past', { ...every, ends_at: '2020-01-01T00:00:00Z' }, '/ends_at'],
  ['an end before the first tick', { ...every, ends_at: new Date(Date.now() + 60_000).toISOString() }, '/ends_at'],
  ['no job', { ...every, job: undefined }, '/job'],
  ['a job that is a text', { ...every, job: 'sleep' }, '/job'],
  ['a type that nobody knows', { ...every, job: { type: 'nobody' } }, '/job/type', 'unknown-type'],
  ['a type of ours alone', { ...every, job: { type: 'callback' } }, '/job/type', 'unknown-type'],
  [
    'a payload that does not fit',
    { ...every, job: { type: 'add', payload: { numbers: [] } } },
    '/job/payload/numbers',
    'invalid-payload',
  ],
  ['too many attempts', { ...every, job: { type: 'sleep', attempts: 101 } }, '/job/attempts'],
  ['a job with a delay', { ...every, job: { ...QUICK_JOB, delay_ms: 5 } }, '/job/delay_ms', 'unknown-member'],
  [
    'a job with a time',
    { ...every, job: { ...QUICK_JOB, run_at: '2100-01-01T00:00:00Z' } },
    '/job/run_at',
    'unknown-member',
  ],
  ['a member that is not known', { ...every, paused: true }, '/paused', 'unknown-member'],
  [
    'a callback to a private address',
    { ...every, job: { type: 'sleep', callback_url: 'http://127.0.0.1/' } },
    '/job/callback_url',
    'callback-forbidden',
  ],
])('%s is refused, and nothing is stored', async (_, body, pointer, code = 'invalid-request') => {
  const before = await stored()
  expect(await put(hasty.url, 'refused', body)).toMatchObject({
    status: 400,
    body: { code, errors: [expect.objectContaining({ pointer })] },
  })
  expect(await stored()).toBe(before)
})

test.each(['calendar', '.hidden', '-dash', 'a b', 'a%2Fb', 'a'.repeat(129), 'é', '%00', '*', '%3E'])(
  'a schedule cannot be called %s',
  async (name) => {
    const before = await stored()
    const { status } = await put(hasty.url, name, every)
    expect([400, 404]).toContain(status)
    expect(await stored()).toBe(before)
  },
)

test.each(['A', '0', 'a.b_c-D', 'a'.repeat(128)])('a schedule can be called %s', async (name) => {
  expect(await put(hasty.url, name, every)).toMatchObject({ status: 201, body: { name } })
  expect(await send('DELETE', `${hasty.url}/v1/schedules/${name}`)).toMatchObject({ status: 204 })
})

test('a job that is too large for a schedule is refused', async () => {
  const job = { type: 'sleep', object_id: 'o', payload: { ms: 1 } }
  const padded = { ...job, callback_url: `https://www.example.com/${'a'.repeat(1_900)}` }
  expect(await put(hasty.url, 'large', { ...every, job: padded })).toMatchObject({ status: 201 })
  const huge = {
    type: 'http',
    payload: { url: 'http://www.example.com/', method: 'POST', params: { a: 'x'.repeat(SCHEDULED_JOB_MAX_BYTES) } },
  }
  expect(await put(hasty.url, 'large', { ...every, job: huge })).toMatchObject({
    status: 413,
    body: { code: 'payload-too-large' },
  })
  await send('DELETE', `${hasty.url}/v1/schedules/large`)
})

test('a type that is gone makes no job: the schedule says so, goes on, and logs it once', async () => {
  await using log = await openLog(hasty.nats.url)
  await using old = await openRecords(hasty.nats.url)
  const gone = oldRecord('gone', Date.now(), { every_ms: SECOND, job: { type: 'gone', priority: 'normal' } })
  const misfit = { type: 'add', priority: 'normal', payload: { numbers: ['1'] } } as const
  await old.write(gone)
  await old.write(oldRecord('misfit', Date.now(), { every_ms: SECOND, job: misfit }))
  const first = await untilView(hasty.url, 'gone', {
    last_error: {
      name: 'AppError',
      code: 'unknown-type',
      message: expect.any(String) as string,
      tick_at: expect.any(String) as string,
    },
  })
  await untilView(hasty.url, 'misfit', { last_error: expect.objectContaining({ code: 'invalid-payload' }) as never })
  const later = await vi.waitFor(async () => {
    const found = await old.records.read(named('gone'))
    expect(found?.record?.last_error?.tick_at).not.toBe(first.last_error?.tick_at)
    return found
  }, 10_000)
  expect(await log.ticks('gone')).toEqual([])
  const lines = (await hasty.keeper[0]?.logs()) ?? []
  expect(lines.filter(({ level, schedule }) => level === 'warn' && schedule === 'gone')).toHaveLength(1)
  expect(later?.record?.last_job_id).toBeNull()
  expect(await put(hasty.url, 'gone', { every_ms: SECOND })).toMatchObject({ status: 200, body: { last_error: null } })
  await vi.waitFor(async () => expect(await log.ticks('gone')).not.toEqual([]), 10_000)
  for (const name of ['gone', 'misfit']) await send('DELETE', `${hasty.url}/v1/schedules/${name}`)
})

test('a record that cannot be read stops no other schedule, and can be deleted', async () => {
  await using log = await openLog(hasty.nats.url)
  await using old = await openRecords(hasty.nats.url)
  await old.write(oldRecord('strange', Date.now(), { cron: 'of the future' }))
  await put(hasty.url, 'next-to-it', { every_ms: SECOND })
  await vi.waitFor(async () => expect(await log.ticks('next-to-it')).not.toEqual([]), 10_000)
  for (const name of ['strange', 'next-to-it'])
    expect(await send('DELETE', `${hasty.url}/v1/schedules/${name}`)).toMatchObject({ status: 204 })
})

test('there may be ten thousand schedules, listed page by page, and then one can still be changed', async () => {
  await using old = await openRecords(hasty.nats.url)
  const { messages: count } = await old.records.state()
  const names = Array.from({ length: SCHEDULES_MAX - count }, (_, i) => `seeded-${i}`)
  await someAtOnce(names, (name) => old.write(oldRecord(name, Date.now(), { every_ms: HOUR })))
  expect(await put(hasty.url, 'one-more', every)).toMatchObject({ status: 409, body: { code: 'too-many-schedules' } })
  expect(await put(hasty.url, 'seeded-7', { every_ms: SECOND })).toMatchObject({ status: 200 })
  await untilView(hasty.url, 'seeded-7', { last_tick_at: expect.any(String) as string })
  const listed: string[] = []
  for (let path = '/v1/schedules'; path !== ''; ) {
    const { body, headers } = await getFrom(`${hasty.url}${path}`)
    const page = body as unknown as ScheduleList
    listed.push(...page.items.map(({ name }) => name))
    path = /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? ''
    expect(page.next_cursor === null).toBe(path === '')
  }
  expect(listed).toHaveLength(SCHEDULES_MAX)
  expect(listed).toEqual([...new Set(listed)].toSorted())
})
