import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { findDuplicateMember } from './json-members.ts'

test.each<[string, string | null]>([
  ['{"a":1,"a":2}', '/a'],
  ['{"a":{"b":[{"c":1},{"c":1,"\\u0063":2}]}}', '/a/b/1/c'],
  ['{"a":1,"b":{"a":1},"c":["a","a"]}', null],
  ['["a","a",{"a":"a","b":"a"}]', null],
  ['{"a":"}","b":"{\\"a\\":","c":1}', null],
  ['{"x":[],"y":1,"x":{}}', '/x'],
  ['5', null],
])('%s', (json, pointer) => {
  expect(findDuplicateMember(json)).toBe(pointer)
})

test('what JSON.stringify writes has none, and a member that is repeated in it is found', () => {
  fc.assert(
    fc.property(fc.json(), fc.string(), (json, name) => {
      expect(findDuplicateMember(json)).toBeNull()
      const member = JSON.stringify(name)
      expect(findDuplicateMember(`{${member}:${json},"other":1,${member}:null}`)).not.toBeNull()
    }),
  )
})
