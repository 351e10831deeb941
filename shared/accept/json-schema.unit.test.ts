import { expect, test } from 'vitest'
import { z } from 'zod'
import { zodMessages } from '#shared/errors/zod-messages.ts'
import { fromJsonSchema, type JsonSchema, toJsonSchema } from './json-schema.ts'

const faultsOf = (schema: JsonSchema, value: unknown): [string, string][] =>
  (fromJsonSchema(schema).safeParse(value, { error: zodMessages }).error?.issues ?? []).map((issue) => [
    issue.path.join('/'),
    issue.code === 'unrecognized_keys' ? issue.keys.join() : issue.message,
  ])

test.each<[JsonSchema, unknown, [string, string][]]>([
  [{ required: ['a'] }, {}, [['a', 'is missing']]],
  [{ required: ['toString'] }, {}, [['toString', 'is missing']]],
  [{ minimum: 5 }, 3, [['', 'must be at least 5']]],
  [{ exclusiveMaximum: 5 }, 5, [['', 'must be less than 5']]],
  [{ maxLength: 1 }, 'ab', [['', 'must have at most 1 character']]],
  [{ type: 'array', minItems: 2 }, [], [['', 'must have at least 2 items']]],
  [{ properties: { 'a/b': { type: ['string', 'null'] } } }, { 'a/b': 1 }, [['a/b', 'must be a string or null']]],
  [{ type: 'integer' }, 1.5, [['', 'must be a whole number']]],
  [{ enum: ['a', { b: 1 }] }, 'c', [['', 'must be one of a, {"b":1}']]],
  [{ pattern: '^\\p{L}$' }, '1', [['', 'must match /^\\p{L}$/']]],
  // Not in the grammar that `u` stands for.
  [{ pattern: '^\\_$' }, '1', [['', 'must match /^\\_$/']]],
  [{ anyOf: [{ required: ['a'] }, { required: ['b'] }] }, {}, [['', 'has none of the allowed forms']]],
  [{ anyOf: [{ type: 'object', required: ['a'] }, { type: 'null' }] }, {}, [['a', 'is missing']]],
  [{ anyOf: [{ type: 'object', required: ['a'] }, { type: 'null' }] }, 1, [['', 'has none of the allowed forms']]],
  [
    { items: { oneOf: [{ type: 'string', minLength: 2 }, { type: 'number' }] } },
    ['a', true, 1],
    [
      ['0', 'must have at least 2 characters'],
      ['1', 'must have exactly one of the allowed forms'],
    ],
  ],
  [{ not: { type: 'string' } }, 'a', [['', 'has a form that is not allowed']]],
  [
    { if: { type: 'string' }, then: { minLength: 3 }, else: {} },
    'a',
    [
      ['', 'must have at least 3 characters'],
      ['', 'must match "then" schema'],
    ],
  ],
  [{ dependentRequired: { a: ['b'] } }, { a: 1 }, [['', 'must have property b when property a is present']]],
  [{ properties: { a: {} }, unevaluatedProperties: false }, { b: 1 }, [['', 'b']]],
  [
    { additionalProperties: false },
    JSON.parse('{"__proto__": 1, "x": 2}'),
    [
      ['', '__proto__'],
      ['', 'x'],
    ],
  ],
  [{ $ref: '#/$defs/x', $defs: { x: { type: 'string' } } }, 1, [['', 'must be a string']]],
  [{ format: 'email' }, 'x', [['', 'must match format "email"']]],
  [
    { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] },
    [1],
    [['0', 'must be a string']],
  ],
  [{ 'x-remark': true, format: 'of-my-own', requierd: ['a'] }, {}, []],
])('%j refuses %j', (schema, value, faults) => {
  expect(faultsOf(schema, value)).toEqual(faults)
})

test.each<[JsonSchema, RegExp]>([
  [{ $schema: 'http://json-schema.org/draft-04/schema#' }, /\$schema must be/],
  [{ $ref: 'https://example.org/other.json' }, /can't resolve reference/],
  [{ type: 'strin' }, /schema is invalid/],
  [{ pattern: '(' }, /Invalid regular expression/],
  [{ $async: true }, /\$async/],
])('%j is no schema', (schema, message) => {
  expect(() => fromJsonSchema(schema)).toThrow(message)
})

test('two schemas may have the same $id', () => {
  expect(faultsOf({ $id: 'https://example.org/a', type: 'string' }, 1)).toHaveLength(1)
  expect(faultsOf({ $id: 'https://example.org/a', type: 'number' }, 1)).toHaveLength(0)
})

test('defaults are filled in only where they are asked for', () => {
  const schema = { properties: { a: { default: 1 } } }
  expect(fromJsonSchema(schema, { fillDefaults: true }).parse({})).toEqual({ a: 1 })
  expect(fromJsonSchema(schema).parse({})).toEqual({})
})

test('the JSON Schema of a schema that was made of one is that one', () => {
  const schema = { required: ['a'], $id: 'https://example.org/a' }
  expect(toJsonSchema(fromJsonSchema(schema))).toEqual(schema)
  expect(toJsonSchema(z.strictObject({ a: z.string().default('b') }))).toMatchObject({
    properties: { a: { default: 'b' } },
  })
})
