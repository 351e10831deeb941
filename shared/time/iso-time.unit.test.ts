import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isoTime } from './clock.ts'

test('a time is written as Date writes it, however often and in whichever order it is asked for', () => {
  const times = fc.array(fc.oneof(fc.constantFrom(0, 1, 1.5, -1), fc.integer({ min: -1e13, max: 1e13 })))
  fc.assert(
    fc.property(times, (asked) => {
      for (const ms of [...asked, ...asked]) expect(isoTime(ms)).toBe(new Date(ms).toISOString())
    }),
  )
})

test('what is no time is an error, also when it is asked for twice', () => {
  isoTime(0)
  for (let n = 0; n < 2; n++) expect(() => isoTime(Number.NaN)).toThrow(RangeError)
  expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z')
})
