import { describe, expect, test } from 'vitest'
import { DAY, HOUR, isoTime, MINUTE } from '#shared/time/clock.ts'
import { lastTicks, nextTick, nextTicks, type Timing } from './tick-times.ts'

const START = '2027-01-01T00:00:00.000Z'
const timing = (own: Partial<Timing>): Timing => ({
  cron: null,
  every_ms: null,
  timezone: 'UTC',
  starts_at: null,
  ends_at: null,
  anchor: START,
  ...own,
})
const at = (time: string): number => Date.parse(time)
const next = (own: Partial<Timing>, after: string, count: number) =>
  nextTicks(timing(own), at(after), count).map((ms) => isoTime(ms))

describe('cron', () => {
  const berlin = (cron: string) => ({ cron, timezone: 'Europe/Berlin' })

  test.each([
    // The clocks go from 02:00 to 03:00.
    [
      'a fixed time in the skipped hour comes right after it',
      '30 2 * * *',
      '2027-03-27T12:00:00Z',
      ['2027-03-28T01:00:00.000Z', '2027-03-29T00:30:00.000Z'],
    ],
    [
      'an interval goes on over the skipped hour',
      '*/30 * * * *',
      '2027-03-28T00:00:00Z',
      ['2027-03-28T00:30:00.000Z', '2027-03-28T01:00:00.000Z', '2027-03-28T01:30:00.000Z'],
    ],
    // 02:00 to 03:00 comes twice.
    [
      'a fixed time in the repeated hour comes once',
      '30 2 * * *',
      '2027-10-30T12:00:00Z',
      ['2027-10-31T00:30:00.000Z', '2027-11-01T01:30:00.000Z'],
    ],
    [
      'an interval runs through both hours',
      '*/30 * * * *',
      '2027-10-30T23:30:00Z',
      [
        '2027-10-31T00:00:00.000Z',
        '2027-10-31T00:30:00.000Z',
        '2027-10-31T01:00:00.000Z',
        '2027-10-31T01:30:00.000Z',
        '2027-10-31T02:00:00.000Z',
      ],
    ],
    [
      'noon stays noon over both changes',
      '0 12 28,31 3,10 *',
      '2027-03-27T00:00:00Z',
      ['2027-03-28T10:00:00.000Z', '2027-03-31T10:00:00.000Z', '2027-10-28T10:00:00.000Z', '2027-10-31T11:00:00.000Z'],
    ],
  ])('%s', (_, cron, after, expected) => {
    expect(next(berlin(cron), after, expected.length)).toEqual(expected)
  })

  test('a tick is strictly after the time that is asked about', () => {
    expect(next({ cron: '* * * * *' }, '2027-01-01T00:00:00.000Z', 1)).toEqual(['2027-01-01T00:01:00.000Z'])
    expect(next({ cron: '* * * * *' }, '2026-12-31T23:59:59.999Z', 1)).toEqual(['2027-01-01T00:00:00.000Z'])
  })

  test('starts_at and ends_at are ticks themselves where they meet one, and nothing lies outside', () => {
    const own = { cron: '0 * * * *', starts_at: '2027-01-01T04:00:00+02:00', ends_at: '2027-01-01T04:00:00Z' }
    expect(next(own, START, 9)).toEqual([2, 3, 4].map((hour) => `2027-01-01T0${hour}:00:00.000Z`))
    expect(nextTick(timing(own), at('2027-01-01T04:00:00Z'))).toBeNull()
  })

  test('a time that never comes is none', () => {
    expect(nextTick(timing({ cron: '0 0 31 2 *' }), at(START))).toBeNull()
  })
})

describe('every_ms', () => {
  test('counts from the anchor, however long nobody looked', () => {
    const own = { every_ms: 90_000 }
    expect(next(own, START, 2)).toEqual(['2027-01-01T00:01:30.000Z', '2027-01-01T00:03:00.000Z'])
    expect(next(own, '2027-01-02T00:00:00.001Z', 1)).toEqual(['2027-01-02T00:01:30.000Z'])
  })

  test('an anchor in the future is the first tick', () => {
    const own = { every_ms: 1_000, anchor: '2027-06-01T00:00:00.500Z', starts_at: '2027-06-01T00:00:00.500Z' }
    expect(next(own, START, 2)).toEqual(['2027-06-01T00:00:00.500Z', '2027-06-01T00:00:01.500Z'])
  })

  test('ends', () => {
    expect(next({ every_ms: DAY, ends_at: '2027-01-03T12:00:00Z' }, START, 9)).toEqual([
      '2027-01-02T00:00:00.000Z',
      '2027-01-03T00:00:00.000Z',
    ])
  })
})

/** All ticks, one by one: slow and plain. */
const walk = (own: Timing, afterMs: number, untilMs: number): number[] => {
  const ticks: number[] = []
  for (let tick = nextTick(own, afterMs); tick !== null && tick <= untilMs; tick = nextTick(own, tick)) ticks.push(tick)
  return ticks
}

describe.each([
  ['every 7 minutes', { every_ms: 7 * MINUTE }],
  ['every 7 minutes, for three hours', { every_ms: 7 * MINUTE, ends_at: '2027-03-28T02:30:00Z' }],
  ['cron, every 5 minutes', { cron: '*/5 * * * *', timezone: 'Europe/Berlin' }],
  [
    'cron, for three hours',
    { cron: '*/5 * * * *', starts_at: '2027-03-27T23:00:00Z', ends_at: '2027-03-28T02:00:00Z' },
  ],
  ['cron in the night of the change', { cron: '*/20 1-3 * * *', timezone: 'Europe/Berlin' }],
  ['cron, half an hour of daylight saving', { cron: '*/9 0-4 * * *', timezone: 'Australia/Lord_Howe' }],
  ['cron, once a month', { cron: '0 0 1 * *', timezone: 'America/New_York' }],
])('the last ticks of a time, %s', (_, own) => {
  test.each([1, 4, 100])('are the end of all of them, at most %d', (count) => {
    const schedule = timing(own)
    for (const middle of ['2027-03-28T01:00:00Z', '2027-10-31T01:00:00Z', '2027-04-03T15:00:00Z']) {
      for (let hours = 0; hours < 30; hours += 2.7) {
        const afterMs = at(middle) - hours * HOUR
        const untilMs = at(middle) + hours * 0.7 * HOUR
        const all = walk(schedule, afterMs, untilMs)
        expect(lastTicks(schedule, afterMs, untilMs, count)).toEqual(all.slice(-count))
      }
    }
  })
})
