import { expect, test } from 'vitest'
import type { OpenStore } from '../conformance.ts'
import type { JobStore } from '../job-store.ts'
import type { Counter, Occurrence, Occurrences, SeriesQuery, SeriesRow, SpanChange } from '../series/series.ts'
import { SpanCounter } from '../series/tally.ts'
import { storedJob } from './records.ts'

const NOON_S = Date.parse('2026-11-22T12:00:00.000Z') / 1_000

/** Something that happened so many seconds after noon. */
const happened = (seq: number, afterNoonS: number, counter: Counter, more: Partial<Occurrence> = {}): Occurrence => ({
  seq,
  atMs: (NOON_S + afterNoonS) * 1_000,
  type: 'mail',
  tenant: '',
  counter,
  ...more,
})

const batch = (list: Occurrence[], log: Partial<Occurrences> = {}): Occurrences => ({
  generation: 1,
  logGeneration: 1,
  logFromMs: NOON_S * 1_000,
  changes: { spans: spansOf(list), errors: [] },
  changesAfter: (seq) => ({ spans: spansOf(list.filter((each) => each.seq > seq)), errors: [] }),
  ...log,
})

function spansOf(list: Occurrence[]): SpanChange[] {
  const counter = new SpanCounter()
  for (const each of list) counter.add(each)
  return counter.changes()
}

const EVERY_SPAN: SeriesQuery = { stepS: 10, tenant: null, type: null, fromS: 0, belowS: NOON_S * 2 }

/** What was counted of whatever happened, by the seconds after noon and the type. */
async function counted(store: JobStore, query: Partial<SeriesQuery> = {}): Promise<Record<string, unknown>> {
  const rows = await store.series({ ...EVERY_SPAN, ...query })
  return Object.fromEntries(rows.map((row) => [`${row.atS - NOON_S} ${row.type}`, shown(row)]))
}

const shown = ({ tally }: SeriesRow) =>
  Object.fromEntries(Object.entries(tally).filter(([, value]) => value !== 0 && JSON.stringify(value) !== '{}'))

const LIST = [
  happened(1, 1, 'accepted'),
  happened(2, 9, 'accepted', { tenant: 'a' }),
  happened(3, 12, 'started', { waitMs: 11 }),
  happened(4, 65, 'completed', { runMs: 5 }),
  happened(5, 3_700, 'failed', { type: 'sleep', runMs: 5 }),
]

export function seriesTests(open: OpenStore): void {
  test('each span of each length counts what happened in it, by type', async () => {
    await using opened = await open()
    const { store } = opened
    expect(await store.firstSpan(10)).toBeNull()
    await store.putNewer([storedJob(1, { seq: 5 })], batch(LIST))
    expect(await counted(store)).toEqual({
      '0 mail': { accepted: 2 },
      '10 mail': { started: 1, wait: { 9: 1 } },
      '60 mail': { completed: 1, run: { 5: 1 } },
      '3700 sleep': { failed: 1, run: { 5: 1 } },
    })
    expect(await counted(store, { stepS: 60 })).toEqual({
      '0 mail': { accepted: 2, started: 1, wait: { 9: 1 } },
      '60 mail': { completed: 1, run: { 5: 1 } },
      '3660 sleep': { failed: 1, run: { 5: 1 } },
    })
    expect(await counted(store, { stepS: 3_600, type: 'mail' })).toEqual({
      '0 mail': { accepted: 2, started: 1, completed: 1, wait: { 9: 1 }, run: { 5: 1 } },
    })
    expect(await counted(store, { fromS: NOON_S + 10, belowS: NOON_S + 60 })).toHaveProperty(['10 mail'])
    expect(Object.keys(await counted(store, { fromS: NOON_S + 10, belowS: NOON_S + 60 }))).toHaveLength(1)
    expect(await store.firstSpan(10)).toBe(NOON_S)
  })

  test('a tenant has its own counts, which are among those of all', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([], batch(LIST))
    expect(await counted(store, { tenant: 'a' })).toEqual({ '0 mail': { accepted: 1 } })
    expect(await counted(store, { tenant: 'b' })).toEqual({})
    for (const tenant of ['', undefined, { $ne: '' }] as unknown as string[])
      await expect(store.series({ ...EVERY_SPAN, tenant })).rejects.toThrow(TypeError)
  })

  test('what is applied again counts once, also where batches are cut in other places', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([], batch(LIST))
    const whole = await store.series(EVERY_SPAN)
    for (const [from, to] of [
      [0, 5],
      [0, 2],
      [1, 4],
      [3, 5],
    ])
      await store.putNewer([], batch(LIST.slice(from, to)))
    expect(sorted(await store.series(EVERY_SPAN))).toEqual(sorted(whole))
    // Two owners at once, of which the second is a little further.
    const more = [...LIST.slice(1), happened(6, 8, 'accepted'), happened(7, 9, 'cancelled')]
    await store.putNewer([], batch(more))
    await store.putNewer([], batch(more.slice(0, 5)))
    expect(await counted(store)).toMatchObject({ '0 mail': { accepted: 3, cancelled: 1 } })
  })

  test('a rebuild counts spans anew that its log has whole, and goes on with those that were partly trimmed', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([], batch(LIST))
    // The log now begins with event 2, in the middle of the first ten seconds.
    const again = { generation: 2, logFromMs: (NOON_S + 9) * 1_000 }
    await store.putNewer([], batch([...LIST.slice(1), happened(6, 9, 'accepted')], again))
    expect(await counted(store)).toEqual({
      '0 mail': { accepted: 3 },
      '10 mail': { started: 1, wait: { 9: 1 } },
      '60 mail': { completed: 1, run: { 5: 1 } },
      '3700 sleep': { failed: 1, run: { 5: 1 } },
    })
    // A span that was counted wrongly is right after a rebuild.
    await store.putNewer(
      [],
      batch([happened(3, 12, 'started'), happened(9, 13, 'started')], { ...again, generation: 3 }),
    )
    expect(await counted(store)).toMatchObject({ '10 mail': { started: 2 } })
    // An owner of before, which was frozen, changes nothing.
    await store.putNewer([], batch([happened(10, 12, 'started')], { generation: 2 }))
    expect(await counted(store)).toMatchObject({ '10 mail': { started: 2 } })
  })

  test('another log adds to a span that began before it, whatever its sequences are', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([], batch([happened(700, 1, 'accepted'), happened(701, 11, 'accepted')]))
    const other = { generation: 2, logGeneration: 2, logFromMs: (NOON_S + 8) * 1_000 }
    await store.putNewer([], batch([happened(1, 8, 'accepted'), happened(2, 12, 'accepted')], other))
    expect(await counted(store)).toEqual({ '0 mail': { accepted: 2 }, '10 mail': { accepted: 1 } })
  })

  test('levels keep the highest number of a span', async () => {
    await using opened = await open()
    const { store } = opened
    const level = { stepS: 10, atS: NOON_S, type: 'mail' } as const
    await store.putLevels([{ ...level, waiting: 5, running: 1 }])
    await store.putLevels([
      { ...level, waiting: 3, running: 2 },
      { ...level, type: 'sleep', waiting: 0, running: 0 },
    ])
    const { tenant: _tenant, ...query } = EVERY_SPAN
    expect(sorted(await store.levels(query))).toEqual([
      { ...level, waiting: 5, running: 2 },
      { ...level, type: 'sleep', waiting: 0, running: 0 },
    ])
    expect(await store.levels({ ...query, type: 'sleep' })).toHaveLength(1)
    expect(await store.levels({ ...query, stepS: 60 })).toEqual([])
  })

  test('old spans are deleted, short ones first', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([], batch([...LIST, happened(6, 3 * 3_600, 'accepted', { tenant: 'a' })]))
    await store.putLevels([{ stepS: 10, atS: NOON_S, type: 'mail', waiting: 5, running: 2 }])
    await store.deleteOldSpans((NOON_S + 3 * 3_600 + 1) * 1_000)
    expect(Object.keys(await counted(store))).toEqual(['3700 sleep', '10800 mail'])
    expect(Object.keys(await counted(store, { tenant: 'a' }))).toEqual(['10800 mail'])
    const { tenant: _tenant, ...query } = EVERY_SPAN
    expect(await store.levels(query)).toEqual([])
    expect(Object.keys(await counted(store, { stepS: 60 }))).toHaveLength(4)
  })
}

const sorted = <T extends { atS: number; type: string }>(rows: T[]): T[] =>
  rows.toSorted((one, other) => one.atS - other.atS || (one.type < other.type ? -1 : 1))
