import { expect, test } from 'vitest'
import { epochMsOf } from '#shared/formats/rfc3339.ts'
import { messageSchema } from '../http/messages.ts'
import { shardOf } from './message.ts'

const START_MS = Date.parse('2026-11-22T00:00:00Z')
const every = (stepMs: number, count: number) => Array.from({ length: count }, (_, n) => START_MS + n * stepMs)

/** Timestamps of senders whose clocks tick in round steps. */
const TIMES = {
  'each second of a day': every(1_000, 86_400),
  'every 250 ms': every(250, 40_000),
  'every 100 ms': every(100, 40_000),
  'every minute of a month': every(60_000, 43_200),
  'every hour of five years': every(3_600_000, 43_800),
  'every day of a century': every(86_400_000, 36_525),
  'each millisecond': every(1, 40_000),
  // The golden ratio's fraction: as good as random, and the same every time.
  'any time of a year': Array.from({ length: 40_000 }, (_, n) => Math.floor(((n * 0.618033988749895) % 1) * 31_536e6)),
  'before 1970': every(1_000, 40_000).map((timeMs) => timeMs - 3_000_000_000_000),
}

test.each(Object.entries(TIMES))('times of %s fill 2 to 16 shards evenly', (_name, times) => {
  for (let shards = 2; shards <= 16; shards++) {
    const counts = Array.from({ length: shards }, () => 0)
    for (const timeMs of times) counts[shardOf(timeMs, shards)] = (counts[shardOf(timeMs, shards)] ?? 0) + 1
    const expected = times.length / shards
    for (const count of counts) expect(Math.abs(count - expected) / expected).toBeLessThan(0.1)
  }
})

test('the same moment is of the same shard however it is written', () => {
  const spellings = ['2026-11-22T18:00:00Z', '2026-11-22t18:00:00.000z', '2026-11-22T23:30:00.0004+05:30']
  expect(new Set(spellings.map((text) => shardOf(epochMsOf(text), 64))).size).toBe(1)
})

test.each([
  ['2026-11-22T18:00:00Z', '2026-11-22T18:00:00.000Z'],
  ['2026-11-22t18:00:00z', '2026-11-22T18:00:00.000Z'],
  ['2026-11-22T18:00:00.123456789-08:00', '2026-11-23T02:00:00.123Z'],
  ['2024-02-29T00:00:00+00:00', '2024-02-29T00:00:00.000Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ['2026-11-22T18:00:00-00:00', '2026-11-22T18:00:00.000Z'],
  ['1990-12-31T23:59:60Z', '1991-01-01T00:00:00.000Z'],
  ['1990-12-31T15:59:60-08:00', '1991-01-01T00:00:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(new Date(epochMsOf(text)).toISOString()).toBe(expected)
  expect(messageSchema.safeParse({ timestamp: text }).success).toBe(true)
})

test.each([
  '',
  'x',
  '-1',
  '1764000000',
  '2026-11-22',
  '2026-11-22T18:00Z',
  '2026-11-22T18:00:00',
  '2026-11-22 18:00:00Z',
  '2026-02-29T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-11-22T24:00:00Z',
  '2026-11-22T18:60:00Z',
  '2026-11-22T18:00:61Z',
  '2026-11-22T18:00:60Z',
  '2026-11-22T18:00:00.Z',
  '2026-11-22T18:00:00+24:00',
  '2026-11-22T18:00:00+0530',
  '0000-01-01T00:00:00Z',
  '+02026-11-22T18:00:00Z',
  ' 2026-11-22T18:00:00Z',
  '2026-11-22T18:00:00Z\n',
  '2026-11-22T18:00:00Z, 2026-11-22T18:00:00Z',
])('%j is no time of RFC 3339', (text) => {
  expect(epochMsOf(text)).toBeNaN()
})
