import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Records } from '#shared/bus/records.ts'
import { SCHEDULES_MAX, type ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { SCHEDULES_STREAM } from '#shared/contracts/log/subjects.ts'
import { HOUR, isoTime, systemClock } from '#shared/time/clock.ts'
import { replaceStream, silentLog, startTestBus, type TestBus } from '../../e2e/support/bus.ts'
import { someAtOnce } from '../../e2e/support/some-at-once.ts'
import { type OnScheduleChange, ScheduleBook } from './schedule-book.ts'
import { SCHEDULE_RECORDS, type ScheduleRecords } from './schedule-records.ts'
import { scheduleMadeAt } from './test-schedule.ts'

let bus: TestBus
let records: ScheduleRecords

beforeAll(async () => {
  bus = await startTestBus()
  records = new Records(SCHEDULE_RECORDS, { broker: bus.broker, clock: systemClock })
})

afterAll(async () => {
  records.close()
  await bus[Symbol.asyncDispose]()
})

const MADE_MS = Date.now()
const schedule = (name: string, own: Partial<ScheduleRecord> = {}): ScheduleRecord =>
  scheduleMadeAt(MADE_MS, { name, every_ms: HOUR, ...own })

const write = async (record: ScheduleRecord, afterSeq = 0): Promise<number> => {
  const stored = await records.write(record, record, { afterSeq })
  if (stored === null) throw new Error('somebody else was faster')
  return stored.seq
}

const sizeOf = (name: string): number => Buffer.byteLength(JSON.stringify(schedule(name)))

async function fill(names: string[]): Promise<Map<string, number>> {
  return new Map(await someAtOnce(names, async (name) => [name, await write(schedule(name))] as const))
}

/** A copy, and what it has read and told since the last look. */
function open() {
  const reads = {
    readBatch: vi.spyOn(records, 'readBatch'),
    nextFrom: vi.spyOn(records, 'nextFrom'),
    subjects: vi.spyOn(records, 'subjects'),
  }
  const changes = vi.fn<OnScheduleChange>()
  const book = new ScheduleBook(records, silentLog, changes)
  const refresh = async () => {
    for (const each of [...Object.values(reads), changes]) each.mockClear()
    await book.refresh()
    const told = changes.mock.calls.map(([, stored]) => stored?.record.name ?? null)
    const { readBatch, nextFrom, subjects } = reads
    return { told, reads: [readBatch, nextFrom, subjects].map(({ mock }) => mock.calls.length) }
  }
  return { book, refresh, names: () => book.all().map(({ record }) => record.name) }
}

test('ten thousand schedules are read in a few dozen requests, and later only what has changed', async () => {
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  const all = Array.from({ length: SCHEDULES_MAX }, (_, n) => `s-${String(n).padStart(5, '0')}`)
  const seqs = await fill(all)
  const { book, refresh, names } = open()
  const first = await refresh()
  expect(first.told).toHaveLength(SCHEDULES_MAX)
  expect(first.reads).toEqual([20, 0, 0])
  expect(names()).toEqual(all)
  expect(book.usage()).toEqual({ count: SCHEDULES_MAX, bytes: SCHEDULES_MAX * sizeOf('s-00000') })

  expect(await refresh()).toEqual({ told: [], reads: [0, 0, 0] })

  await write(schedule('s-00007', { paused: true }), seqs.get('s-00007'))
  expect(await refresh()).toEqual({ told: ['s-00007'], reads: [0, 1, 0] })
  expect(book.all()[7]?.record.paused).toBe(true)

  await records.remove(schedule('s-05000'), seqs.get('s-05000') ?? 0)
  expect(await refresh()).toEqual({ told: [null], reads: [0, 0, 1] })
  expect(names()).toEqual(all.filter((name) => name !== 's-05000'))
})

test('a schedule that is deleted and made again is the new one, and others may come and go meanwhile', async () => {
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  const seqs = await fill(['a', 'b', 'c'])
  const { refresh, names, book } = open()
  await refresh()
  await records.remove(schedule('a'), seqs.get('a') ?? 0)
  await records.remove(schedule('c'), seqs.get('c') ?? 0)
  await write(schedule('a', { paused: true }))
  await write(schedule('d'))
  await refresh()
  expect(names()).toEqual(['a', 'b', 'd'])
  expect(book.all()[0]?.record.paused).toBe(true)

  // One more comes between the look at the state and that at the subjects.
  await records.remove(schedule('b'), seqs.get('b') ?? 0)
  const subjects = records.subjects.bind(records)
  vi.spyOn(records, 'subjects').mockImplementationOnce(async (filter) => {
    await write(schedule('e'))
    return subjects(filter)
  })
  await refresh()
  expect(names()).toEqual(['a', 'd', 'e'])
})

test('the copy of another stream is forgotten, whether it counts anew or goes on from an older state', async () => {
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  await fill(['a', 'b', 'c'])
  const { refresh, names, book } = open()
  await refresh()
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  await fill(['x', 'y', 'z'])
  expect((await refresh()).told).toEqual([null, null, null, 'x', 'y', 'z'])
  expect(names()).toEqual(['x', 'y', 'z'])

  const { created, ...state } = await records.state()
  vi.spyOn(records, 'state').mockResolvedValueOnce({ ...state, created, lastSeq: state.lastSeq - 1 })
  await refresh()
  expect(names()).toEqual(['x', 'y', 'z'])
  expect(book.usage().count).toBe(3)
})

test('a replica that lags makes a copy no older: the leader has the rest', async () => {
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  const all = Array.from({ length: 50 }, (_, n) => `s-${String(n).padStart(2, '0')}`)
  for (const name of all) await write(schedule(name))
  const { refresh, names } = open()
  const readBatch = records.readBatch.bind(records)
  vi.spyOn(records, 'readBatch').mockImplementationOnce(async (query) => {
    const batch = await readBatch(query)
    return { records: batch.records.slice(0, 20), isMore: false }
  })
  await refresh()
  expect(names()).toEqual(all)
})

test('many deleted ones at the end of the stream are looked for once', async () => {
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  await fill(['a'])
  const { refresh, names } = open()
  await refresh()
  const seqs = await fill(Array.from({ length: 50 }, (_, n) => `gone-${n}`))
  for (const [name, seq] of seqs) await records.remove(schedule(name), seq)
  expect(await refresh()).toEqual({ told: [], reads: [1, 1, 0] })
  expect(names()).toEqual(['a'])
})

test('what cannot be read is counted, told as gone and left out, until it can be read again', async () => {
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  const seq = await write(schedule('strange', { every_ms: null, cron: 'of the future' }))
  await write(schedule('a', { tenant: 'two' }))
  await write(schedule('a', { tenant: 'one', settled_until: isoTime(MADE_MS) }))
  const { book, refresh } = open()
  await refresh()
  expect(book.usage().count).toBe(3)
  expect(book.all().map(({ record }) => record.tenant)).toEqual(['one', 'two'])
  expect(book.usage('one').count).toBe(1)
  expect(book.usage('three')).toEqual({ count: 0, bytes: 0 })
  await write(schedule('strange'), seq)
  expect((await refresh()).told).toEqual(['strange'])
  expect(book.all()).toHaveLength(3)
})

test('a broker that does not answer is an error, and what was read before stays', async () => {
  await replaceStream(bus.broker, SCHEDULES_STREAM)
  await fill(['a'])
  const { book, refresh, names } = open()
  await refresh()
  await write(schedule('b'))
  vi.spyOn(records, 'nextFrom').mockRejectedValueOnce(new Error('no answer in time'))
  await expect(book.refresh()).rejects.toThrow('no answer in time')
  expect(names()).toEqual(['a'])
  await refresh()
  expect(names()).toEqual(['a', 'b'])
})
