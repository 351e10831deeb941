import { join } from 'node:path'
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'
import {
  type AcceptedOf,
  Hasty as Client,
  HastyError,
  JobCancelled,
  JobFailed,
  type JobOf,
  WaitTimeout,
} from '../../client/index.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { untilRunning } from '../support/jobs.ts'
import { gather } from './gather.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const HOUR_MS = 3_600_000
/** Lists and counts are a moment behind the log. */
const SOON = { timeout: 20_000 }

interface Jobs {
  add: { payload: { numbers: number[] }; result: number }
  sleep: { payload: { ms?: number }; result: { sleep_time_used: number } }
  moody: { payload: { ms?: number; bad_attempts?: number }; result: { attempt: number } }
  telling: { payload: { steps: number; ms: number }; result: { told: number } }
}

let hasty: Hasty
let client: Client<Jobs>
beforeAll(async () => {
  hasty = await startInProcess({ apis: 2, jobs: 1, nginx: true, env: { HANDLERS_DIR } })
  client = new Client<Jobs>({ url: hasty.url })
})
afterAll(() => hasty.stop())

const rejection = async <E extends Error>(
  promise: Promise<unknown>,
  kind: new (...given: never[]) => E,
): Promise<E> => {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(kind)
  return error as E
}

test('run gives the result, of the type that the map says', async () => {
  const sum = await client.run('add', { numbers: [1, 2, 3, 4, 5, 6] })
  expectTypeOf(sum).toEqualTypeOf<number>()
  expect(sum).toBe(21)
  // @ts-expect-error a payload of another type
  await rejection(client.run('add', { numbers: 'x' }), HastyError)
  // @ts-expect-error no such type in the map
  await rejection(client.create('ad', { numbers: [1] }), HastyError)
})

test('run goes on waiting where the POST was answered before the end', async () => {
  expect(await client.run('moody', { ms: 1_300 }, { waitMs: 20_000, objectId: 'slow-1' })).toEqual({ attempt: 1 })
  const [job] = (await client.page({ objectId: 'slow-1' })).items
  expect(job).toMatchObject({ status: 'finished' })
})

test('run throws what became of the job, with the job', async () => {
  const failed = await rejection(client.run('moody', { bad_attempts: 1 }), JobFailed)
  expect(failed.job).toMatchObject({ status: 'failed', error: { message: 'bad mood 1' } })
  expect(failed.message).toBe(`Job ${failed.job.job_id} failed: bad mood 1`)

  const cancelled = await rejection(client.run('sleep', { ms: 20_000 }, { timeoutMs: 100 }), JobCancelled)
  expect(cancelled.job).toMatchObject({ status: 'cancelled' })

  const startedMs = performance.now()
  const late = await rejection(client.run('moody', {}, { delayMs: HOUR_MS, waitMs: 700 }), WaitTimeout)
  expect(late.job).toMatchObject({ status: 'scheduled' })
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(700)
  expect(performance.now() - startedMs).toBeLessThan(3_000)
})

test('create says what was accepted; wait and get show the job', async () => {
  const accepted = await client.create('moody', { ms: 100 }, { priority: 'high', attempts: 2 })
  expectTypeOf(accepted).toEqualTypeOf<AcceptedOf<'moody'>>()
  expect(accepted).toMatchObject({ type: 'moody', status: 'processing' })
  const ended = await client.wait<'moody'>(accepted.job_id)
  expectTypeOf(ended.result).toEqualTypeOf<{ attempt: number } | null>()
  expect(ended).toMatchObject({ status: 'finished', priority: 'high', max_attempts: 2, result: { attempt: 1 } })
  const read = await client.get(accepted.job_id)
  expectTypeOf(read).toEqualTypeOf<JobOf<Jobs>>()
  if (read.type === 'add') expectTypeOf(read.payload).toEqualTypeOf<{ numbers: number[] }>()
  expect(read).toEqual(ended)
})

test('the same Idempotency-Key is the same job', async () => {
  const own = { idempotencyKey: crypto.randomUUID(), objectId: crypto.randomUUID() }
  for (const same of [own, { idempotencyKey: crypto.randomUUID() }]) {
    const first = await client.create('moody', {}, same)
    expect(await client.create('moody', {}, same)).toEqual(first)
    const batch = { idempotencyKey: `${same.idempotencyKey}-batch` }
    const { items } = await client.batch([{ type: 'moody', payload: {} }], batch)
    expect((await client.batch([{ type: 'moody', payload: {} }], batch)).items).toEqual(items)
  }
})

test('what the server refuses is an error with its code, and is not repeated', async () => {
  const objectId = crypto.randomUUID()
  const { job_id } = await client.create('moody', {}, { objectId })
  const error = await rejection(client.create('moody', {}, { objectId }), HastyError)
  expect(error).toMatchObject({ status: 409, code: 'cooldown', problem: { existing_job_id: job_id } })
  expect(error.retryAfterMs).toBeGreaterThan(0)
  expect(await rejection(client.get('nonsense'), HastyError)).toMatchObject({ status: 404, code: 'job-not-found' })
})

test('cancel ends a job, once or twice, and retry starts it again', async () => {
  const { job_id } = await client.create('moody', {}, { delayMs: HOUR_MS })
  expect(await client.cancel(job_id, { reason: 'ordered twice' })).toMatchObject({
    status: 'cancelled',
    error: { message: 'ordered twice' },
  })
  expect(await client.cancel(job_id)).toMatchObject({ status: 'cancelled' })
  expect(await client.retry(job_id)).toMatchObject({ status: 'processing', round: 2 })
  expect(await client.wait(job_id)).toMatchObject({ status: 'finished', round: 2 })
  expect(await rejection(client.cancel(job_id), HastyError)).toMatchObject({ code: 'wrong-state' })
  expect(await rejection(client.retry(job_id), HastyError)).toMatchObject({ code: 'wrong-state' })
})

test('list goes through all pages', async () => {
  const jobs = Array.from({ length: 7 }, () => ({ type: 'moody' as const, payload: {}, delayMs: HOUR_MS }))
  const { items } = await client.batch(jobs)
  const accepted = items.flatMap(({ job }) => job?.job_id ?? [])
  expect(accepted).toHaveLength(7)
  await expect
    .poll(async () => {
      const listed = await gather(client.list({ status: ['scheduled'], type: 'moody', limit: 3 }))
      return listed.map(({ job_id }) => job_id)
    }, SOON)
    .toEqual(expect.arrayContaining(accepted))
  const page = await client.page({ type: 'moody', limit: 3, createdAfter: new Date(0) })
  expect(page.items).toHaveLength(3)
  expect(page.next_cursor).not.toBeNull()
})

test('a batch is answered job by job, or all or nothing', async () => {
  const objectId = crypto.randomUUID()
  const twice = [
    { type: 'sleep' as const, payload: { ms: 1 }, objectId },
    { type: 'sleep' as const, payload: { ms: 2 }, objectId },
  ]
  expect(await rejection(client.batch(twice, { atomic: true }), HastyError)).toMatchObject({ code: 'batch-refused' })
  const { accepted, failed, items } = await client.batch(twice)
  expect({ accepted, failed, statuses: items.map(({ status }) => status).toSorted((a, b) => a - b) }).toEqual({
    accepted: 1,
    failed: 1,
    statuses: [201, 409],
  })
  // @ts-expect-error the payload of another type
  await rejection(client.batch([{ type: 'add', payload: { steps: 1 } }], { atomic: true }), HastyError)
})

test('events tell the whole story and end with the job', async () => {
  const { job_id } = await client.create('telling', { steps: 2, ms: 1_050 })
  const events = await gather(client.events(job_id))
  expect(events.map(({ event }) => event)).toEqual([
    'job:created',
    'job:started',
    'job:progress',
    'job:progress',
    'job:finished',
  ])
  expect(events.at(-1)).toMatchObject({ job_id, result: { told: 2 } })
  const rest = await gather(client.events(job_id, { afterSeq: events[2]?.seq }))
  expect(rest).toEqual(events.slice(3))
})

test('the events of all jobs are there as they come, until the caller leaves', async () => {
  const leaving = new AbortController()
  const seen = new Set<string>()
  const reading = (async () => {
    for await (const event of client.allEvents({ type: 'add', signal: leaving.signal })) {
      if (event.event === 'job:finished' && 'job_id' in event) seen.add(event.job_id)
    }
  })()
  const left = rejection(reading, Error)
  // Creates job after job until one is seen: it is unknown when the stream is connected.
  await expect
    .poll(
      async () => {
        const { job_id } = await client.create('add', { numbers: [1] })
        await client.wait(job_id)
        return seen.has(job_id)
      },
      { timeout: 20_000 },
    )
    .toBe(true)
  leaving.abort(new Error('enough'))
  expect(await left).toMatchObject({ message: 'enough' })
})

test('why, stats, redrive and cancelJobs', async () => {
  const { job_id } = await client.create('moody', {}, { delayMs: HOUR_MS })
  expect(await client.why(job_id)).toMatchObject({ status: 'scheduled', reasons: [{ code: 'delayed' }] })
  await client.cancel(job_id)
  const objectId = crypto.randomUUID()
  const failed = await rejection(client.run('moody', { bad_attempts: 1 }, { objectId }), JobFailed)
  await expect.poll(() => client.redrive({ objectId, dryRun: true }), SOON).toMatchObject({ matched: 1, retried: 0 })
  expect(await client.redrive({ objectId })).toMatchObject({ retried: 1, job_ids: [failed.job.job_id] })
  expect(await client.wait(failed.job.job_id)).toMatchObject({ status: 'finished', round: 2 })
  const delayed = await client.create('moody', {}, { delayMs: HOUR_MS, tags: ['many'] })
  await expect.poll(() => client.cancelJobs({ tag: 'many', dryRun: true }), SOON).toMatchObject({ matched: 1 })
  expect(await client.cancelJobs({ tag: 'many', reason: 'enough' })).toMatchObject({ cancelled: 1 })
  expect(await client.get(delayed.job_id)).toMatchObject({ status: 'cancelled', error: { message: 'enough' } })
  await expect
    .poll(() => client.stats(), { timeout: 20_000 })
    .toMatchObject({ by_type: { moody: { cancelled: expect.any(Number) as number } } })
})

test('a type is paused, limited and goes on', async () => {
  expect(await client.types.pause('add')).toMatchObject({ type: 'add', paused: true })
  expect((await client.types.list()).find(({ type }) => type === 'add')).toMatchObject({ paused: true })
  expect(await client.types.setConcurrency('add', 3)).toMatchObject({ concurrency: 3 })
  expect(await client.types.setConcurrency('add', null)).toMatchObject({ concurrency: null })
  expect(await client.types.resume('add')).toMatchObject({ paused: false })
  expect(await client.types.get('add')).toMatchObject({ paused: false, concurrency: null })
  expect(await rejection(client.types.pause('nope'), HastyError)).toMatchObject({ status: 404, code: 'unknown-type' })
})

test('a schedule is made, shown, paused, triggered and deleted', async () => {
  const { schedules } = client
  const schedule = { every_ms: HOUR_MS, job: { type: 'add', payload: { numbers: [1, 2] } } }
  expect(await schedules.put('hourly', schedule)).toMatchObject({ name: 'hourly', paused: false })
  expect(await schedules.pause('hourly')).toMatchObject({ paused: true, next_run_at: null })
  expect(await schedules.resume('hourly')).toMatchObject({ paused: false })
  await schedules.put('nightly', { ...schedule, cron: '0 3 * * *', every_ms: undefined })
  const names: string[] = []
  for await (const { name } of schedules.list({ limit: 1 })) names.push(name)
  expect(names).toEqual(['hourly', 'nightly'])
  await schedules.delete('nightly')
  const same = { idempotencyKey: crypto.randomUUID() }
  const { job_id } = await schedules.trigger('hourly', same)
  expect(await schedules.trigger('hourly', same)).toMatchObject({ job_id })
  expect(await client.wait(job_id)).toMatchObject({ status: 'finished', result: 3 })
  expect(await schedules.get('hourly')).toMatchObject({ every_ms: HOUR_MS })
  expect(await schedules.delete('hourly')).toBeUndefined()
  expect(await rejection(schedules.get('hourly'), HastyError)).toMatchObject({ code: 'schedule-not-found' })
})

test('workers are listed, and what they ran', async () => {
  const [worker] = await client.workers.list({ live: true })
  const { job_id } = await client.create('add', { numbers: [1] })
  await client.wait(job_id)
  const id = worker?.worker_id ?? ''
  expect(await client.workers.get(id)).toMatchObject({ worker_id: id, live: true })
  await expect
    .poll(async () => (await gather(client.workers.attempts(id, { limit: 2 }))).map((attempt) => attempt.job_id), SOON)
    .toContain(job_id)
})

test('a caller who gives up is told his own reason at once', async () => {
  const { job_id } = await client.create('moody', { ms: 60_000 }, { timeoutMs: 90_000 })
  await untilRunning(hasty, job_id)
  const leaving = new AbortController()
  const waiting = rejection(client.wait(job_id, { signal: leaving.signal }), Error)
  const reading = rejection(gather(client.events(job_id, { signal: leaving.signal })), Error)
  leaving.abort(new Error('no time'))
  expect(await Promise.all([waiting, reading])).toMatchObject([{ message: 'no time' }, { message: 'no time' }])
  await client.cancel(job_id)
})

test('without a map any type and payload goes', async () => {
  const any = new Client({ url: `${hasty.url}/`, token: () => 'none-is-asked-for' })
  const result = await any.run('add', { numbers: [1, 2] })
  expectTypeOf(result).toEqualTypeOf<unknown>()
  expect(result).toBe(3)
})
