// Every service exports metrics for Prometheus, and each figure of the whole system comes from one replica alone.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { postTo, send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, untilRunning } from '../support/jobs.ts'
import { workCalls } from '../work/work-calls.ts'
import { describeMetrics, type Metric, readMetrics } from './read-metrics.ts'

const KINDS = ['api', 'keeper', 'job', 'workflow', 'ingest'] as const
const WITHIN = { timeout: 20_000, interval: 100 }

let hasty: Hasty
beforeAll(async () => {
  hasty = await startInProcess({ keepers: 2, workflows: 1, ingests: 1 })
})
afterAll(() => hasty?.stop())

const metricsOf = async (kind: (typeof KINDS)[number]): Promise<Metric[]> =>
  (await Promise.all(hasty[kind].map(({ url }) => readMetrics(url)))).flat()

/** The values of a gauge of the keepers whose labels are these, one for each that shows it. */
const valuesOf = async (name: string, labels: Record<string, string> = {}): Promise<number[]> =>
  (await metricsOf('keeper'))
    .filter((metric) => metric.name === name)
    .flatMap(({ samples }) => samples)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .map(({ value }) => value)

test('docs/metrics.md lists what the services export', async () => {
  const all = await Promise.all(KINDS.map(async (kind) => ({ kind, metrics: await metricsOf(kind) })))
  await expect(describeMetrics(all)).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/metrics.md'))
})

test('one keeper shows what waits and runs, and for how long', async () => {
  const type = `t-${randomUUID()}`
  expect(await send('PUT', `${hasty.url}/v1/types/${type}`, { runner: 'http' })).toMatchObject({ status: 201 })
  await vi.waitFor(async () => expect(await valuesOf('hasty_workers_live', { type })).toEqual([0]), WITHIN)
  expect(await valuesOf('hasty_oldest_waiting_seconds', { type })).toEqual([0])
  for (const priority of ['normal', 'normal', 'high']) await makeJob(hasty, { type, priority })
  await vi.waitFor(async () => {
    expect(await valuesOf('hasty_jobs_waiting', { type, priority: 'normal' })).toEqual([2])
    expect(await valuesOf('hasty_jobs_waiting', { type, priority: 'high' })).toEqual([1])
    const [oldest = 0, ...others] = await valuesOf('hasty_oldest_waiting_seconds', { type })
    expect(oldest).toBeGreaterThan(0.5)
    expect(others).toEqual([])
  }, WITHIN)
  expect(await valuesOf('hasty_type_paused', { type })).toEqual([0])
  expect(await postTo(`${hasty.url}/v1/types/${type}/pause`, {})).toMatchObject({ status: 200 })
  await vi.waitFor(async () => expect(await valuesOf('hasty_type_paused', { type })).toEqual([1]), WITHIN)
})

test('one keeper shows the workers and their slots, the jobs that they hold, and the room in the log', async () => {
  await untilRunning(hasty, await makeJob(hasty, { type: 'sleep', payload: { ms: 60_000 } }))
  await vi.waitFor(async () => {
    expect(await valuesOf('hasty_jobs_running', { type: 'sleep' })).toEqual([1])
    expect(await valuesOf('hasty_workers_live', { type: 'sleep' })).toEqual([1])
  }, WITHIN)
  expect(await valuesOf('hasty_worker_slots', { type: 'sleep' })).toEqual([10])
  const [[bytes = 0], [limit = 0]] = [await valuesOf('hasty_log_bytes'), await valuesOf('hasty_log_limit_bytes')]
  expect(bytes).toBeGreaterThan(0)
  expect(limit).toBeGreaterThan(bytes)
  expect(await valuesOf('hasty_schedule_late_seconds')).toEqual([0])
})

test('one keeper shows how many requests are open', async () => {
  const open = async () => [
    await valuesOf('hasty_requests_open', { status: 'queuing' }),
    await valuesOf('hasty_requests_open', { status: 'inprogress' }),
  ]
  const [before = 0] = await valuesOf('hasty_requests_open', { status: 'inprogress' })
  const waiting = { steps: [{ name: 'wait', signal: 'go' }] }
  const { body } = await postTo(`${hasty.url}/v1/requests`, waiting)
  await vi.waitFor(async () => expect(await open()).toEqual([[0], [before + 1]]), WITHIN)
  const there = `${hasty.url}/v1/requests/${String(body['request_id'])}`
  expect(await postTo(`${there}/signals/go`, {})).toMatchObject({ status: 200 })
  await vi.waitFor(async () => expect(await open()).toEqual([[0], [before]]), WITHIN)
})

test('another keeper shows it when the first has left', async () => {
  const shows = async ({ url }: { url: string }) =>
    (await readMetrics(url)).some(({ name, samples }) => name === 'hasty_log_bytes' && samples.length > 0)
  const [one, other] = hasty.keeper
  if (one === undefined || other === undefined) expect.unreachable()
  const [first, second] = (await shows(one)) ? [one, other] : [other, one]
  expect(await shows(second)).toBe(false)
  await first.stop()
  await vi.waitFor(async () => expect(await shows(second)).toBe(true), WITHIN)
  await first.restart()
})

test('an end and a lost worker are counted once', async () => {
  const type = `t-${randomUUID()}`
  const calls = workCalls(hasty.url)
  const body = {
    runner: 'http',
    policy: { backoff: { kind: 'fixed', base_ms: 0, max_ms: 0, jitter: 0 } },
  }
  expect(await send('PUT', `${hasty.url}/v1/types/${type}`, body)).toMatchObject({ status: 201 })
  await makeJob(hasty, { type })
  await calls.claimOne(type, { worker_id: 'lost', lease_s: 5 })
  const again = await calls.claimOne(type, { lease_s: 5 })
  expect(again).toMatchObject({ attempt: 2 })
  expect(await calls.end(again, 'complete')).toMatchObject({ status: 200 })
  const sums = async () => [
    (await valuesOf('hasty_jobs_ended_total', { type, status: 'finished' })).reduce((sum, one) => sum + one, 0),
    (await valuesOf('hasty_job_crashes_total', { type })).reduce((sum, one) => sum + one, 0),
  ]
  await vi.waitFor(async () => expect(await sums()).toEqual([1, 1]), WITHIN)
})
