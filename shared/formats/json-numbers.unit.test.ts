import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { findLostNumber, lossOf, pointerAt } from './json-numbers.ts'

test.each([
  ['9007199254740993', 'changed'],
  ['-9007199254740993', 'changed'],
  ['1970670598291982290', 'changed'],
  // A double has this very value, and shows it as ...982300.
  ['1970670598291982336', 'changed'],
  ['9007199254740993.0', 'changed'],
  ['9007199254740993e0', 'changed'],
  ['90071992547409930e-1', 'changed'],
  ['123456789012345678901234567890', 'changed'],
  ['1e400', 'too large'],
  ['9'.repeat(400), 'too large'],
  ['9007199254740992', null],
  ['9007199254740991', null],
  ['1970670598291982300', null],
  ['1000000000000000000000', null],
  ['1e21', null],
  ['1.5e300', null],
  ['0.1', null],
  ['0.12345678901234567890123', null],
  ['12345678901234567.5', null],
  ['1e-400', null],
  ['-0', null],
  ['0', null],
  ['0e99999', null],
  ['100000000000000000.000', null],
])('%s: %s', (text, loss) => expect(lossOf(text)).toBe(loss))

test('a whole number is lost exactly when it comes back as another one', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), (whole) => {
      const shown = String(Number(whole))
      const back = shown.includes('e') ? null : BigInt(shown)
      if (back !== null) expect(lossOf(String(whole))).toBe(back === whole ? null : 'changed')
    }),
    { numRuns: 2_000 },
  )
})

test('what JSON.stringify writes is never lost', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(lossOf(JSON.stringify(number))).toBeNull()
      expect(lossOf(number.toExponential())).toBeNull()
    }),
    { numRuns: 2_000 },
  )
})

/** Walks a value and finds the pointer of the one text that is a marker. */
const MARK = 'a mark that no string has'
function pointerOf(value: unknown): string | null {
  if (value === MARK) return ''
  if (typeof value !== 'object' || value === null) return null
  for (const [name, member] of Object.entries(value)) {
    const inner = pointerOf(member)
    if (inner !== null) return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}${inner}`
  }
  return null
}

test('the pointer leads to it, wherever it stands and however the text is spaced', () => {
  const name = fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => text !== '__proto__')
  const around = fc.array(fc.oneof(fc.nat(3), name), { maxLength: 6 })
  fc.assert(
    fc.property(around, fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(0, 2, '\t'), (steps, other, indent) => {
      fc.pre(findLostNumber(JSON.stringify(other)) === null && !JSON.stringify(other).includes('__proto__'))
      let value: unknown = MARK
      for (const step of steps)
        value =
          typeof step === 'number'
            ? [...Array<unknown>(step).fill(other), value, other]
            : { [`_${step}`]: other, [step]: value }
      const json = JSON.stringify(value, null, indent).replace(JSON.stringify(MARK), '9007199254740993')
      expect(findLostNumber(json)).toEqual({ text: '9007199254740993', pointer: pointerOf(value), reason: 'changed' })
    }),
    { numRuns: 500 },
  )
})

test('a position behind names and strings with signs of JSON in them', () => {
  const json = '{"a\\"{[,:":"}]","b":{"x":1},"c/~":[[],{},1e400]}'
  expect(pointerAt(json, json.indexOf('1e400'))).toBe('/c~1~0/2')
  expect(findLostNumber('"1e400"')).toBeNull()
  expect(findLostNumber('[true,false,null,"e",-0.5e-3]')).toBeNull()
})

test('a million zeros in a number take no time', () => {
  const zeros = '0'.repeat(1_000_000)
  const beginMs = performance.now()
  expect(lossOf(`1.${zeros}1`)).toBeNull()
  expect(lossOf(`1${zeros}1e-1000000`)).toBeNull()
  expect(performance.now() - beginMs).toBeLessThan(5_000)
})
