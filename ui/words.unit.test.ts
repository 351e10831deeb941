import { expect, test } from 'vitest'
import { bytes, count, counted, duration, relative } from './words.ts'

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [1_250, '1.3 s'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [61_000, '1 min 1 s'],
  [3_599_700, '1 h'],
  [3_660_000, '1 h 1 min'],
  [90_000_000, '1 d 1 h'],
  [-5_000, '-5 s'],
])('%d ms are %s', (ms, words) => expect(duration(ms)).toBe(words))

test('a number has all of its digits', () => {
  expect(count(9_007_199_254_740_991)).toBe('9,007,199,254,740,991')
  expect([counted(1, 'job'), counted(2_000, 'job'), counted(0, 'job')]).toEqual(['1 job', '2,000 jobs', '0 jobs'])
})

test.each([
  [0, 'now'],
  [-999, 'now'],
  [-1_000, '1 s ago'],
  [-119_999, '1 min ago'],
  [5_400_000, 'in 1 h'],
  [-172_800_000, '2 d ago'],
])('%d ms from now is %s', (ms, words) => expect(relative(1e12 + ms, 1e12)).toBe(words))

test.each([
  [0, '0 bytes'],
  [1_023, '1023 bytes'],
  [1_536, '1.5 KiB'],
  [8 * 1024 ** 3, '8.0 GiB'],
  [20 * 1024 ** 2, '20 MiB'],
])('%d bytes are %s', (value, words) => expect(bytes(value)).toBe(words))
