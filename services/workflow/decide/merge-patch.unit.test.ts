import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergePatch, patchBetween } from './merge-patch.ts'
import type { Json } from './record.ts'

// The examples of RFC 7396, appendix A.
test.each<[unknown, unknown, unknown]>([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('%j patched with %j is %j', (target, patch, expected) => {
  expect(mergePatch(target, patch)).toEqual(expected)
})

const leaf = fc.oneof(fc.nat(3), fc.boolean(), fc.constant('x'), fc.array(fc.nat(2), { maxLength: 2 }))
const value = fc.letrec((tie) => ({
  json: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(leaf, tie('json')), { maxKeys: 3 }),
})).json as fc.Arbitrary<Json>

test('what lies between two values makes the second of the first', () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      expect(mergePatch(before, patchBetween(before, after))).toEqual(after)
      expect(patchBetween(after, after)).toEqual({})
    }),
  )
})
