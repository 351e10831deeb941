import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { findJsonFault, placeOf } from './json-fault.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('JSON has no fault, however it is written', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, '\t'), (value, space) => {
      expect(findJsonFault(JSON.stringify(value, null, space))).toBeNull()
    }),
  )
  for (const text of ['-0', '1e5', '1E-5', '[ ]', '{\r\n}', ' null ', '"\\u00e9\\n\\/"', '[[],{}]'])
    expect(findJsonFault(text)).toBeNull()
})

test('exactly what JSON.parse refuses has a fault, and all before it may begin something valid', () => {
  const pieces = fc.constantFrom(
    ...'{ } [ ] , : " \\ 0 1 - . e'.split(' '),
    ' ',
    '\n',
    'true',
    'nul',
    '"a"',
    'u0041',
    '\u0001',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      const at = findJsonFault(text)
      expect(at === null).toBe(isJson(text))
      // The text up to its fault has no earlier one: it only ends too soon, or is JSON.
      if (at !== null) expect([null, at]).toContain(findJsonFault(text.slice(0, at)))
    }),
    { numRuns: 3_000 },
  )
})

test.each([
  ['{x', 'line 1, column 2: unexpected "x"'],
  ['{"ms": 1', 'line 1, column 9: it ends too soon'],
  ['', 'line 1, column 1: it ends too soon'],
  ["{'ms': 1}", 'line 1, column 2: unexpected "\'"'],
  ['{\n  "a": 1,\n  "b": [1, 2,]\n}', 'line 3, column 14: unexpected "]"'],
  ['{\r\n  "a": 1\r\n  "b": 2\r\n}', 'line 3, column 3: unexpected "\\""'],
  ['{"a": "text\n}', 'line 1, column 12: unexpected "\\n"'],
  ['{"a": "\\x"}', 'line 1, column 8: unexpected "\\\\"'],
  ['[01]', 'line 1, column 3: unexpected "1"'],
  ['[1, NaN]', 'line 1, column 5: unexpected "N"'],
  ['{} {}', 'line 1, column 4: unexpected "{"'],
  ['["🙂", 🙂]', 'line 1, column 8: unexpected "🙂"'],
])('%j is wrong at %s', (text, place) => {
  expect(isJson(text)).toBe(false)
  expect(placeOf(text)).toBe(place)
})

test('a deep text is read without deep calls', () => {
  expect(findJsonFault('['.repeat(200_000))).toBe(200_000)
  expect(placeOf('"'.padEnd(3_000_000, 'a'), 7)).toBe('line 7, column 3000001: it ends too soon')
})
