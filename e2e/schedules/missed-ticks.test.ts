import { expect, test, vi } from 'vitest'
import { HOUR, isoTime, MINUTE } from '#shared/time/clock.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { sumOfMetric } from '../support/metrics.ts'
import {
  expectEachOnce,
  named,
  oldRecord,
  openLog,
  openRecords,
  put,
  untilTime,
  untilView,
  view,
} from './schedule-calls.ts'

const POLICIES = ['latest', 'skip', 'all'] as const

async function withoutKeepers(hasty: Mixed<'keeper'>, work: () => Promise<unknown>): Promise<void> {
  for (const keeper of hasty.keeper) keeper.kill('SIGKILL')
  await Promise.all(hasty.keeper.map((keeper) => keeper.exited()))
  await work()
  await Promise.all(hasty.keeper.map((keeper) => keeper.restart()))
}

test('after six seconds without any keeper a schedule of one second does as its policy says', async () => {
  await using hasty = await startMixed(['keeper'], { keepers: 3, jobs: 0 })
  await using log = await openLog(hasty.nats.url)
  for (const policy of POLICIES) await put(hasty.url, policy, { every_ms: 1_000, on_missed: policy })
  const untilMore = async (count: number) => {
    const before = await Promise.all(POLICIES.map((policy) => log.ticks(policy)))
    await vi.waitFor(
      async () => {
        for (const [i, policy] of POLICIES.entries())
          expect((await log.ticks(policy)).length).toBeGreaterThanOrEqual((before[i]?.length ?? 0) + count)
      },
      { timeout: 30_000, interval: 100 },
    )
  }
  await untilMore(3)
  await withoutKeepers(hasty, () => untilTime(Date.now() + 6_000))
  await untilMore(3)

  expectEachOnce(await log.ticks('all'), 1_000)
  for (const policy of ['latest', 'skip']) {
    const times = (await log.ticks(policy)).map(({ tickMs }) => tickMs).toSorted((a, b) => a - b)
    const steps = times.slice(1).map((time, i) => (time - (times[i] ?? 0)) / 1_000)
    // One gap, of whole ticks; before and after it they run one by one.
    expect(steps.filter((step) => step !== 1)).toHaveLength(1)
    expect(Math.max(...steps)).toBeGreaterThanOrEqual(3)
    expect(steps.every(Number.isInteger)).toBe(true)
  }
})

test('after hours without any keeper a schedule of one hour does as its policy says, once', async () => {
  await using hasty = await startMixed(['keeper'], { keepers: 3, jobs: 1 })
  await using log = await openLog(hasty.nats.url)
  const lastMs = Date.now() - 30 * MINUTE
  const madeMs = lastMs - 5 * HOUR
  await withoutKeepers(hasty, async () => {
    await using old = await openRecords(hasty.nats.url)
    for (const on_missed of POLICIES) await old.write(oldRecord(on_missed, madeMs, { every_ms: HOUR, on_missed }))
    await old.write(oldRecord('paused', madeMs, { every_ms: HOUR, on_missed: 'all', paused: true }))
  })
  const expected: Record<string, number[]> = {
    latest: [0],
    skip: [],
    all: [4, 3, 2, 1, 0],
    paused: [],
  }
  const check = async () => {
    for (const [name, hours] of Object.entries(expected))
      expect((await log.ticks(name)).map(({ tickMs }) => (lastMs - tickMs) / HOUR)).toEqual(hours)
  }
  await untilView(hasty.url, 'latest', { last_tick_at: isoTime(lastMs), next_run_at: isoTime(lastMs + HOUR) })
  await untilView(hasty.url, 'all', { last_tick_at: isoTime(lastMs) })
  const marker = () => put(hasty.url, 'marker', { every_ms: 1_000 })
  await marker()
  await untilView(hasty.url, 'marker', { last_tick_at: expect.any(String) as string })
  await check()
  expect(await view(hasty.url, 'skip')).toMatchObject({ last_tick_at: null, next_run_at: isoTime(lastMs + HOUR) })
  await withoutKeepers(hasty, async () => undefined)
  const { last_tick_at: seen } = await view(hasty.url, 'marker')
  await vi.waitFor(async () => expect((await view(hasty.url, 'marker')).last_tick_at).not.toBe(seen), 20_000)
  await check()
})

test('a tick whose job has left the log already is not made again by who does not know of it', async () => {
  const env = { COOLDOWN_MS: '0', LOG_RETENTION_MS: '0', HOUSEKEEPING_MS: '200' }
  await using hasty = await startMixed(['keeper'], { keepers: 2, jobs: 1, env })
  await using log = await openLog(hasty.nats.url)
  await using old = await openRecords(hasty.nats.url)
  const lastMs = Date.now() - 2 * MINUTE
  const unsettled = oldRecord('old', lastMs - HOUR, { every_ms: HOUR })
  await old.write(unsettled)
  const first = await untilView(hasty.url, 'old', { last_tick_at: isoTime(lastMs) })
  await vi.waitFor(async () => expect(await log.ticks('old')).toEqual([]), { timeout: 30_000, interval: 100 })
  // The state after a crash between the job and its record.
  const found = await old.records.read(named('old'))
  const again = await old.write(unsettled, found?.seq ?? 0)
  await vi.waitFor(
    async () => expect((await old.records.read(named('old')))?.seq).toBeGreaterThan(again?.seq ?? 0),
    20_000,
  )
  expect(await view(hasty.url, 'old')).toMatchObject({ last_job_id: first.last_job_id })
  expect(await log.ticks('old')).toEqual([])
  expect(await sumOfMetric(hasty.keeper, 'hasty_jobs_created_total')).toBe(1)
})
