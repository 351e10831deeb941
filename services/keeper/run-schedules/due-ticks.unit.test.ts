import { describe, expect, test } from 'vitest'
import type { ScheduleRecord } from '#shared/contracts/http/schedules.ts'
import { NOW, testSchedule } from '#shared/schedules/test-schedule.ts'
import { DAY, HOUR, isoTime, MINUTE, SECOND } from '#shared/time/clock.ts'
import { dueTicks } from './due-ticks.ts'

/** Ticks at every full `everyMs` of the day; everything was settled `settledMs` ago. */
const schedule = (everyMs: number, settledMs: number, own: Partial<ScheduleRecord> = {}): ScheduleRecord =>
  testSchedule({ every_ms: everyMs, anchor: isoTime(NOW - DAY), settled_until: isoTime(NOW - settledMs), ...own })
/** Ages of the ticks that run, milliseconds. */
const ages = (record: ScheduleRecord, nowMs = NOW) => dueTicks(record, nowMs)?.run.map((tickMs) => nowMs - tickMs)

test.each(['latest', 'skip', 'all'] as const)('a tick is made at its time, and once, with %s', (on_missed) => {
  const record = schedule(HOUR, HOUR, { on_missed })
  expect(dueTicks(record, NOW - 1)).toBeNull()
  expect(dueTicks(record, NOW)).toEqual({ run: [NOW], lastMs: NOW })
  expect(dueTicks({ ...record, settled_until: isoTime(NOW) }, NOW + 1)).toBeNull()
})

test.each(['latest', 'skip', 'all'] as const)('a hiccup of three seconds loses no tick, with %s', (on_missed) => {
  expect(ages(schedule(SECOND, 4 * SECOND, { on_missed }))).toEqual([3_000, 2_000, 1_000, 0])
})

test.each(['latest', 'skip', 'all'] as const)('the last tick is on time for a minute, with %s', (on_missed) => {
  expect(ages(schedule(HOUR, 2 * HOUR, { on_missed, ends_at: isoTime(NOW) }), NOW + MINUTE)?.at(-1)).toBe(MINUTE)
})

describe('after hours without anybody', () => {
  const late = NOW + 2 * MINUTE

  test('`latest` makes the most recent one', () => {
    expect(dueTicks(schedule(HOUR, 5 * HOUR), late)).toEqual({ run: [NOW], lastMs: NOW })
  })

  test('`latest` makes none of the missed when one is on time', () => {
    expect(ages(schedule(HOUR, 5 * HOUR))).toEqual([0])
  })

  test('`skip` makes none, and settles them', () => {
    expect(dueTicks(schedule(HOUR, 5 * HOUR, { on_missed: 'skip' }), late)).toEqual({ run: [], lastMs: NOW })
  })

  test('`all` makes each, oldest first', () => {
    expect(ages(schedule(HOUR, 3 * HOUR, { on_missed: 'all' }))).toEqual([2 * HOUR, HOUR, 0])
  })

  test('`all` makes the latest hundred at most', () => {
    const run = ages(schedule(MINUTE, 20 * HOUR, { on_missed: 'all' }))
    expect(run).toEqual(Array.from({ length: 100 }, (_, i) => (99 - i) * MINUTE))
  })

  test('what came after the end is none', () => {
    const ended = schedule(HOUR, 5 * HOUR, { on_missed: 'all', ends_at: isoTime(NOW - 3 * HOUR) })
    expect(ages(ended)).toEqual([4 * HOUR, 3 * HOUR])
  })
})

test('a paused schedule owes nothing', () => {
  expect(dueTicks(schedule(HOUR, 5 * HOUR, { paused: true, on_missed: 'all' }), NOW)).toBeNull()
})
