import { expect, test } from 'vitest'
import { type FormField, fieldsOf, textOfValue, valueOf } from './schema-form.ts'

const schema = {
  type: 'object',
  required: ['width'],
  properties: {
    width: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Pixels' },
    format: { enum: ['webp', 'png'] },
    sharpen: { type: 'boolean', default: true },
    title: { type: 'string' },
    sizes: { type: 'array' },
    any: true,
  },
}

test('each member has a field of its kind, and a hint', () => {
  const fields = fieldsOf(schema) ?? []
  expect(fields.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    'width number',
    'format choice',
    'sharpen switch',
    'title text',
    'sizes json',
    'any json',
  ])
  expect(fields[0]).toMatchObject({ isRequired: true, hint: 'Pixels, from 1' })
  expect(fields[2]).toMatchObject({ isRequired: false, initial: true })
})

test('a type without a schema, or with another than of an object, has no fields', () => {
  expect([fieldsOf(null), fieldsOf({ type: 'array' })]).toEqual([null, null])
})

test.each([
  ['text', 'a "b"', 'a "b"'],
  ['number', '7.5', 7.5],
  ['switch', 'false', false],
  ['choice', '"webp"', 'webp'],
  ['json', '[1,2]', [1, 2]],
])('a field of the kind %s keeps %s', (kind, text, value) => {
  const field = { kind } as FormField
  expect(valueOf(field, text)).toEqual(value)
  expect(textOfValue(field, value)).toBe(text)
})

test('an empty field is left out', () => expect(valueOf({ kind: 'text' } as FormField, '')).toBeUndefined())
