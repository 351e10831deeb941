import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLongerThan } from './json-length.ts'

test('what is longer by far is, and what is no longer is not', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const { length } = JSON.stringify(value)
      expect(isLongerThan(value, length)).toBe(false)
      // A number counts as one character, whatever its digits; an escape as the character it stands for.
      if (typeof value === 'string' && length === value.length + 2) expect(isLongerThan(value, length - 1)).toBe(true)
    }),
  )
})

test('what holds the same again and again is counted each time, and no further than needed', () => {
  let value: unknown = 'x'.repeat(1_000)
  for (let levels = 0; levels < 60; levels++) value = [value, value]
  expect(isLongerThan(value, 1_000_000)).toBe(true)
})
