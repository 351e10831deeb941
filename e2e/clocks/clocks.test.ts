import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DAY, HOUR, SECOND } from '#shared/time/clock.ts'
import { readBatchFiles, valuesIn } from '../ingest/batch-files.ts'
import { numbers, sendMessages } from '../ingest/messages.ts'
import { run, step, view as viewRequest } from '../requests/request-calls.ts'
import { expectEachOnce, openLog, put, view } from '../schedules/schedule-calls.ts'
import { getFrom, postTo, send } from '../support/call.ts'
import { type Processes, startHasty } from '../support/hasty.ts'
import type { Replica } from '../support/replica.ts'
import { workCalls } from '../work/work-calls.ts'

// The wall clock of one service after the other is set wrong and right again, while everything that depends on time
// continues.

const SHIFTS = [-30 * DAY, -HOUR, -2 * SECOND, 2 * SECOND, HOUR, 30 * DAY]
const SERVICES = ['api', 'keeper', 'job', 'workflow', 'ingest'] as const
type Service = (typeof SERVICES)[number]
const SOON = { timeout: 20_000, interval: 50 }

let dir: string
let hasty: Processes
let sent = 0
const kept = { job: '', request: '' }

const clockFile = (service: Service) => join(dir, `${service}.clock`)
const setClock = (service: Service, shiftMs: number) => writeFile(clockFile(service), String(shiftMs))
const clockEnv = (service: Service) => ({
  CLOCK_FILE: clockFile(service),
  NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.mjs')}`,
})

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hasty-clocks-'))
  await Promise.all(SERVICES.map((service) => setClock(service, 0)))
  hasty = await startHasty({
    workflows: 1,
    ingests: 1,
    env: { HOUSEKEEPING_MS: '200', HANDLERS_DIR: join(import.meta.dirname, '../handlers') },
    apiEnv: { ...clockEnv('api'), SHARDS: '1' },
    keeperEnv: { ...clockEnv('keeper'), JOB_RETENTION_MS: '600000' },
    jobEnv: { ...clockEnv('job') },
    workflowEnv: { ...clockEnv('workflow'), REQUEST_RETENTION_MS: String(DAY) },
    ingestEnv: { ...clockEnv('ingest'), SHARDS: '1', BATCH_SIZE: '1' },
  })
  const lent = { runner: 'http', policy: { timeout_ms: 600_000 } }
  expect(await send('PUT', `${hasty.url}/v1/types/lent`, lent)).toMatchObject({ status: 201 })
  const { body } = await postTo(`${hasty.url}/v1/jobs`, { object_id: 'kept', type: 'sleep', payload: { ms: 1 } })
  kept.job = String(body['job_id'])
  kept.request = (await run(hasty.url, { steps: [step('one', [{ name: 'job', type: 'moody' }])] })).request_id
  expect(await put(hasty.url, 'tick', { every_ms: 1_000, on_missed: 'all' })).toMatchObject({ status: 201 })
})
afterAll(async () => {
  await hasty.stop()
  await rm(dir, { recursive: true, force: true })
})

async function untilTicks(count: number): Promise<void> {
  const seen = new Set<string | null>()
  await vi.waitFor(async () => {
    seen.add((await view(hasty.url, 'tick')).last_tick_at)
    expect(seen.size).toBeGreaterThan(count)
  }, SOON)
}

/** A job that waits for its time, fails, waits again and ends. */
async function runJob(): Promise<void> {
  const { status, body } = await postTo(`${hasty.url}/v1/jobs`, {
    object_id: `job-${sent}`,
    type: 'moody',
    payload: { bad_attempts: 1 },
    attempts: 2,
    backoff: { kind: 'fixed', base_ms: 300, jitter: 0 },
    delay_ms: 300,
  })
  expect(status).toBe(201)
  const job = await vi.waitFor(async () => {
    const seen = await getFrom(`${hasty.url}/v1/jobs/${String(body['job_id'])}`)
    expect(seen.body).toMatchObject({ status: 'finished' })
    return seen.body as { created_at: string; started_at: string; finished_at: string }
  }, SOON)
  expect(Math.abs(Date.parse(job.created_at) - Date.now())).toBeLessThan(20 * SECOND)
  const tookMs = Date.parse(job.finished_at) - Date.parse(job.created_at)
  expect(tookMs).toBeGreaterThanOrEqual(550)
  expect(tookMs).toBeLessThan(10 * SECOND)
}

const clockLines = async (replica: Replica) => (await replica.logs()).filter((line) => 'offset_ms' in line)

async function checkTold(replica: Replica, shiftMs: number): Promise<void> {
  const { url } = replica
  const told = shiftMs > 0 ? 'ahead of' : 'behind'
  await vi.waitFor(async () => {
    const { status, body } = await getFrom(`${url}/readyz`)
    expect(status).toBe(200)
    expect((body['details'] as { clock: string }).clock).toContain(told)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    const offset = /^hasty_clock_offset_seconds\{.*\} (\S+)$/m.exec(metrics)?.[1]
    expect(Math.abs(Number(offset) * SECOND - shiftMs)).toBeLessThan(2 * SECOND)
    const line = (await clockLines(replica)).at(-1)
    expect(line).toMatchObject({ level: 'warn' })
    expect(Math.abs(Number(line?.['offset_ms']) - shiftMs)).toBeLessThan(2 * SECOND)
  }, SOON)
}

async function untilWell(replica: Replica): Promise<void> {
  await vi.waitFor(async () => {
    expect((await getFrom(`${replica.url}/readyz`)).body).toMatchObject({ details: { clock: 'ok' } })
    expect((await clockLines(replica)).at(-1)?.level ?? 'info').toBe('info')
  }, SOON)
}

test.each(SERVICES)(
  'the clock of the %s service is set wrong and right: nothing is lost, early or twice',
  async (service) => {
    const [replica] = hasty[service]
    if (replica === undefined) expect.unreachable()
    const { body: long } = await postTo(`${hasty.url}/v1/jobs`, {
      object_id: `long-${service}`,
      type: 'moody',
      payload: { ms: 8_000 },
    })
    // A lease of 10 s, which the worker keeps alive over every step of the clock.
    const worker = workCalls(hasty.url)
    await postTo(`${hasty.url}/v1/jobs`, { object_id: `lent-${service}`, type: 'lent' })
    const lent = await worker.claimOne('lent', { lease_s: 10 })
    const beats = setInterval(() => void worker.extend(lent.lease, { percent: 1 }).catch(() => undefined), SECOND)
    for (const shiftMs of SHIFTS) {
      await setClock(service, shiftMs)
      await sendMessages(hasty.url, sent++, 1)
      const request = run(hasty.url, {
        steps: [{ name: 'nap', sleep_ms: 300 }, step('one', [{ name: 'job', type: 'moody' }])],
      })
      const told = Math.abs(shiftMs) > 5 * SECOND ? checkTold(replica, shiftMs) : Promise.resolve()
      const [ended] = await Promise.all([request, runJob(), untilTicks(2), told])
      expect(ended).toMatchObject({ status: 'completed' })
      await setClock(service, 0)
      await untilWell(replica)
    }
    clearInterval(beats)
    expect(await worker.end(lent, 'complete')).toMatchObject({ status: 200 })
    await untilTicks(2)
    await expect
      .poll(async () => valuesIn(await readBatchFiles(join(hasty.dataDir, 'messages'))).toSorted(), SOON)
      .toEqual(numbers(sent))
    expect((await getFrom(`${hasty.url}/v1/jobs/${String(long['job_id'])}`)).body).toMatchObject({
      status: 'finished',
      attempts: [{ attempt: 1, outcome: 'finished' }],
    })
    expect((await getFrom(`${hasty.url}/v1/jobs/${kept.job}`)).status).toBe(200)
    expect(await viewRequest(hasty.url, kept.request)).toMatchObject({ status: 'completed' })
    expect((await getFrom(`${hasty.url}/v1/events?last_event_id=1&limit=1`)).body).toMatchObject({ reset: false })
    const again = await postTo(`${hasty.url}/v1/jobs`, { object_id: 'kept', type: 'sleep' })
    expect(again).toMatchObject({ status: 409, body: { code: 'cooldown' } })
    await using log = await openLog(hasty.nats.url)
    expectEachOnce(await log.ticks('tick'), 1_000)
    expect(await view(hasty.url, 'tick')).toMatchObject({ last_error: null })
  },
)
