import { expect, test, vi } from 'vitest'
import { postTo } from '../support/call.ts'
import { startMixed } from '../support/hasty.ts'
import { untilJob } from '../support/jobs.ts'
import { sumOfMetric } from '../support/metrics.ts'
import { expectEachOnce, openLog, put, view } from './schedule-calls.ts'

const LONG = { timeout: 60_000, interval: 100 }

test('three replicas make one job a tick, without a gap', async () => {
  await using hasty = await startMixed(['keeper'], { keepers: 3, jobs: 1 })
  await using log = await openLog(hasty.nats.url)
  expect(await put(hasty.url, 'tick', { every_ms: 1_000 })).toMatchObject({ status: 201 })
  const ticks = await vi.waitFor(async () => {
    const made = await log.ticks('tick')
    expect(made.length).toBeGreaterThanOrEqual(8)
    return made
  }, LONG)
  expectEachOnce(ticks, 1_000)
  for (const { jobId } of ticks) await untilJob(hasty, jobId, { status: 'finished', object_id: 'schedule:tick' })
  const late = ticks.map(({ tickMs, storedMs }) => Math.round(storedMs - tickMs))
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
  // While ticks come, two numbers that are read one after the other need not agree.
  expect(await postTo(`${hasty.url}/v1/schedules/tick/pause`, {})).toMatchObject({ status: 200 })
  // A replica with a copy of the log of its own would show here.
  await vi.waitFor(async () => {
    expect(await sumOfMetric(hasty.keeper, 'hasty_jobs_created_total')).toBe((await log.ticks('tick')).length)
  }, LONG)
})

test('no tick is lost or doubled when a replica is killed, and a quick restart of the broker is made up for', async () => {
  await using hasty = await startMixed(['keeper'], { keepers: 3, jobs: 1 })
  await using log = await openLog(hasty.nats.url)
  const { url } = hasty
  await put(url, 'tick', { every_ms: 1_000, on_missed: 'all' })
  const untilTicks = (count: number) =>
    vi.waitFor(async () => expect((await log.ticks('tick')).length).toBeGreaterThanOrEqual(count), LONG)
  await untilTicks(3)
  hasty.keeper[0]?.kill('SIGKILL')
  await untilTicks(6)
  await hasty.keeper[0]?.restart()
  await hasty.nats.kill('SIGKILL')
  await hasty.nats.restart()
  await untilTicks(10)
  await hasty.nats.kill('SIGKILL')
  hasty.keeper[1]?.kill('SIGKILL')
  await hasty.nats.restart()
  await hasty.keeper[1]?.restart()
  const before = (await log.ticks('tick')).length
  await untilTicks(before + 3)
  const ticks = await log.ticks('tick')
  expectEachOnce(ticks, 1_000)
  const last = ticks.at(-1)
  await untilJob({ url }, last?.jobId ?? '', { status: 'finished' })
  expect((await view(url, 'tick')).last_tick_at).not.toBeNull()
})

test('a change of the job at the time of a tick makes no second job of it', async () => {
  await using hasty = await startMixed(['keeper'], { apis: 3, keepers: 3, jobs: 0 })
  await using log = await openLog(hasty.nats.url)
  const jobs = [
    { type: 'sleep', priority: 'high' },
    { type: 'sleep', priority: 'low' },
    { type: 'add', payload: { numbers: [1, 2] } },
  ]
  const enough = new AbortController()
  let changes = 0
  const keepChanging = async (url: string) => {
    for (; !enough.signal.aborted; changes++) {
      const job = jobs[Math.floor(Math.random() * jobs.length)]
      expect(await put(url, 'tick', { every_ms: 1_000, job })).toSatisfy(({ status }) => status < 300)
    }
  }
  const changing = Promise.all(hasty.api.map(({ url }) => keepChanging(url)))
  await vi.waitFor(async () => expect((await log.ticks('tick')).length).toBeGreaterThanOrEqual(10), LONG)
  enough.abort()
  await changing
  const ticks = await log.ticks('tick')
  expectEachOnce(ticks, 1_000)
  expect(changes).toBeGreaterThan(ticks.length)
})
