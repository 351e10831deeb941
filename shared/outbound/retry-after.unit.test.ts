import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')

test.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  // Never at once: the type's own backoff is what is left.
  ['-5', null],
  ['0', null],
  ['1', 1_000],
  ['7', 7_000],
  [['3', '9'], 3_000],
  ['99999999999999999999', 3_600_000],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sun, 22 Nov 2026 11:00:00 GMT', null],
  ['Mon, 23 Nov 2026 12:00:00 GMT', 3_600_000],
])('Retry-After %j asks for %s ms', (header, ms) => {
  expect(retryAfterMs({ 'retry-after': header }, NOW)).toBe(ms)
})

test('a date is taken by the clock of whoever wrote it', () => {
  const headers = { 'retry-after': 'Sun, 22 Nov 2026 10:00:30 GMT', date: 'Sun, 22 Nov 2026 10:00:00 GMT' }
  expect(retryAfterMs(headers, NOW)).toBe(30_000)
})
