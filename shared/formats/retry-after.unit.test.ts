import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { httpDateMs } from './http-date.ts'
import { readRetryAfter } from './retry-after.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')

test.each([
  [undefined, null],
  [null, null],
  ['', null],
  ['soon', null],
  ['1', 1_000],
  [' 7 ', 7_000],
  ['007', 7_000],
  ['0', 0],
  ['1.5', null],
  ['-1', null],
  ['+1', null],
  ['0x10', null],
  ['1e9', null],
  ['1, 2', null],
  ['١', null],
  ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  ['2026-11-22T12:00:30Z', null],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
  ['Sun Nov 22 12:00:30 2026', 30_000],
  ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
  ['Sun, 22 Nov 2026 12:00:30 CET', null],
  ['Sun, 31 Feb 2027 12:00:30 GMT', null],
  ['Sun, 22 Nov 2026 25:00:30 GMT', null],
])('Retry-After %j asks for %s ms', (header, ms) => expect(readRetryAfter(header, NOW)).toBe(ms))

test('without the time of the answer a date asks for nothing', () => {
  expect(readRetryAfter('Sun, 22 Nov 2026 12:00:30 GMT', Number.NaN)).toBeNull()
})

test('what is neither digits nor one of the three dates is not understood', () => {
  const likeOne = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[-+]?\d{0,4}[.eExX:/ -]\d{0,6}$/),
    fc.date({ noInvalidDate: true }).map(String),
    fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString()),
  )
  fc.assert(
    fc.property(likeOne, (text) => {
      fc.pre(!/^\s*\d+\s*$/.test(text))
      expect(readRetryAfter(text, NOW)).toBeNull()
    }),
    { numRuns: 1_000 },
  )
})

const pad = (value: number) => String(value).padStart(2, '0')
const LONG_DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

test('every second can be written in all three forms', () => {
  const seconds = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2069-12-31T23:59:59Z') })
  fc.assert(
    fc.property(seconds, (date) => {
      const ms = Math.floor(date.getTime() / 1000) * 1000
      const fixed = new Date(ms).toUTCString()
      const [, day = '', month = '', year = '', time = ''] = /^\w+, (\d\d) (\w+) (\d+) (\S+)/.exec(fixed) ?? []
      expect(httpDateMs(fixed)).toBe(ms)
      expect(httpDateMs(`${LONG_DAYS[date.getUTCDay()]}, ${day}-${month}-${pad(Number(year) % 100)} ${time} GMT`)).toBe(
        ms,
      )
      expect(httpDateMs(`${fixed.slice(0, 3)} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`)).toBe(ms)
    }),
    { numRuns: 1_000 },
  )
})
