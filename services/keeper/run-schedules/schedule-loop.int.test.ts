import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Door } from '#shared/accept/door.ts'
import { JobTypes, lanesOf } from '#shared/accept/job-types.ts'
import { Records } from '#shared/bus/records.ts'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { createRegistry } from '#shared/process/metrics.ts'
import { ScheduleBook } from '#shared/schedules/schedule-book.ts'
import { SCHEDULE_RECORDS } from '#shared/schedules/schedule-records.ts'
import { scheduleMadeAt } from '#shared/schedules/test-schedule.ts'
import { HOUR, isoTime, SECOND, systemClock } from '#shared/time/clock.ts'
import { openBus, silentLog, startTestBus, type TestBus } from '../../../e2e/support/bus.ts'
import { someAtOnce } from '../../../e2e/support/some-at-once.ts'
import { createKeeperMetrics } from '../metrics.ts'
import { ScheduleLoop } from './schedule-loop.ts'

let bus: TestBus
let undo: AsyncDisposableStack

beforeEach(async () => {
  undo = new AsyncDisposableStack()
  bus = undo.use(await startTestBus())
})

afterEach(() => undo.disposeAsync())

/** A keeper's part for schedules. The store, which says whether the job of an old tick exists, is the test's. */
async function openLoop(jobExists: (jobId: string) => Promise<boolean>) {
  const { broker, history } = undo.use(await openBus(bus.nats.url))
  const base = { broker, clock: systemClock, log: silentLog }
  const types = new JobTypes(lanesOf(broker), systemClock, silentLog)
  const never = () => Promise.resolve(null)
  const door = new Door({ whyFull: never, isBrokerUp: () => true, whyNoRoom: never, log: silentLog })
  for (const each of [types, door]) {
    await each.start()
    undo.defer(() => each.stop())
  }
  const records = new Records(SCHEDULE_RECORDS, base)
  undo.defer(() => records.close())
  const { created } = createKeeperMetrics(createRegistry('keeper'))
  const callbacks = { enabled: false, trustedHosts: new Set<string>() }
  const loop = new ScheduleLoop({
    ...base,
    history,
    types,
    door,
    records,
    created,
    callbacks,
    jobExists,
    isBrokerUp: () => true,
    tracing: null,
  })
  undo.defer(() => loop.stop())
  return { loop, history, records, created: async () => (await created.get()).values.map(({ value }) => value) }
}

function openRecords() {
  const records = new Records(SCHEDULE_RECORDS, { broker: bus.broker, clock: systemClock })
  undo.defer(() => records.close())
  const write = (record: ScheduleRecord) => records.write(record, record, { afterSeq: 0 })
  return { records, write }
}

/** The ids of all jobs in the log, each with the number of times that it was created. */
const jobsInLog = async (): Promise<Map<string, number>> => {
  const counts = await bus.stream.countBySubject('job:created.>')
  return new Map([...counts].map(([subject, count]) => [subject.split('.').at(-1) ?? '', count]))
}

test('of two thousand schedules eight hundred tick at once: two replicas make each job once, some hundreds at a time', async () => {
  const { write, records } = openRecords()
  const dueMs = Date.now()
  const due = 800
  const schedules = Array.from({ length: 2_000 }, (_, n) =>
    scheduleMadeAt(dueMs - 1, { name: `s-${n}`, every_ms: HOUR, anchor: isoTime(n < due ? dueMs : dueMs + HOUR / 2) }),
  )
  await someAtOnce(schedules, write)
  const one = await openLoop(() => Promise.resolve(false))
  const other = await openLoop(() => Promise.resolve(false))
  let underWay = 0
  let most = 0
  const begin = one.history.begin.bind(one.history)
  vi.spyOn(one.history, 'begin').mockImplementation(async (...of) => {
    most = Math.max(most, ++underWay)
    try {
      return await begin(...of)
    } finally {
      underWay--
    }
  })
  for (const { loop } of [one, other]) loop.start()
  const book = new ScheduleBook(records, silentLog)
  await vi.waitFor(
    async () => {
      await book.refresh()
      expect(book.all().filter(({ record }) => record.last_job_id !== null)).toHaveLength(due)
    },
    { timeout: 60_000, interval: 200 },
  )
  const made = await jobsInLog()
  expect(new Set(made.values())).toEqual(new Set([1]))
  const noted = book.all().flatMap(({ record }) => record.last_job_id ?? [])
  expect(new Set(noted)).toEqual(new Set(made.keys()))
  expect(most).toBeGreaterThan(100)
  expect(most).toBeLessThanOrEqual(500)
  const counted = [...(await one.created()), ...(await other.created())]
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(due)
  await vi.waitFor(() => expect([one.loop.lateMs, other.loop.lateMs]).toEqual([0, 0]))
}, 120_000)

test('a schedule whose tick fails, or hangs, holds back no other, and is made up for', async () => {
  const { write } = openRecords()
  const nowMs = Date.now()
  const old = { every_ms: HOUR, anchor: isoTime(nowMs - HOUR / 2) }
  await write(scheduleMadeAt(nowMs - HOUR, { name: 'fails', ...old }))
  await write(scheduleMadeAt(nowMs - HOUR - 1, { name: 'hangs', ...old }))
  await write(scheduleMadeAt(nowMs, { name: 'goes', every_ms: SECOND }))
  let isWell = false
  const hanging: (() => void)[] = []
  let asked = 0
  // Ticks of more than a minute ago are looked for in the store.
  const { loop, created, records } = await openLoop(async () => {
    if (asked++ === 0) await new Promise<void>((resolve) => hanging.push(resolve))
    else if (!isWell) throw new Error('the store is away')
    return false
  })
  loop.start()
  await vi.waitFor(async () => expect((await jobsInLog()).size).toBeGreaterThanOrEqual(3), 10_000)
  expect(loop.lateMs).toBeGreaterThan(HOUR / 2)
  isWell = true
  for (const release of hanging) release()
  await vi.waitFor(async () => {
    for (const name of ['fails', 'hangs'])
      expect((await records.read({ tenant: null, name }))?.record).toMatchObject({
        last_tick_at: isoTime(nowMs - HOUR / 2),
      })
  }, 10_000)
  await vi.waitFor(() => expect(loop.lateMs).toBeLessThan(SECOND))
  expect(new Set((await jobsInLog()).values())).toEqual(new Set([1]))
  expect((await created()).reduce((sum, count) => sum + count, 0)).toBe((await jobsInLog()).size)
})
