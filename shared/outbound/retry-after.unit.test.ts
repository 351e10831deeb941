import { expect, test } from 'vitest'
import { retryAfterMs } from './retry-after.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')

test.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['-5', 0],
  ['0', 0],
  ['7', 7_000],
  [['3', '9'], 3_000],
  ['99999999999999999999', 3_600_000],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
  ['Mon, 23 Nov 2026 12:00:00 GMT', 3_600_000],
])('Retry-After %j asks for %s ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms)
})
