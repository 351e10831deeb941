import { expect, test } from 'vitest'
import { z } from 'zod'
import { OPERATIONS } from '#shared/contracts/http/operations/all-operations.ts'
import { issuesOf } from './zod-issues.ts'
import { zodMessages } from './zod-messages.ts'

function toldOf(schema: z.ZodType, value: unknown): [path: string, message: string][] {
  const { error } = schema.safeParse(value, { error: zodMessages })
  if (error === undefined) return []
  return issuesOf(error).map(({ path, message }) => [path.map(String).join('.'), message])
}

const retry = z.object({
  retry: z.union([z.literal(false), z.strictObject({ delay_ms: z.number().int().min(0).max(60_000) })]).optional(),
})

test.each<[string, unknown, string, string]>([
  ['a text', 'x', 'retry', 'must be false or an object'],
  ['null', null, 'retry', 'must be false or an object'],
  ['another literal', true, 'retry', 'must be false or an object'],
  ['the object without its member', {}, 'retry.delay_ms', 'is missing'],
  ['the object with a text for a number', { delay_ms: '5' }, 'retry.delay_ms', 'must be a number'],
  ['the object with half a number', { delay_ms: 0.5 }, 'retry.delay_ms', 'must be a whole number'],
  ['the object with too large a number', { delay_ms: 1e300 }, 'retry.delay_ms', 'must be at most 60000'],
])('of a choice, %s', (_what, value, path, message) => {
  expect(toldOf(retry, { retry: value })).toEqual([[path, message]])
})

test('a choice in a choice is told at its depth', () => {
  const schema = z.union([z.string(), z.object({ a: z.union([z.number(), z.array(z.number()), z.null()]) })])
  expect(toldOf(schema, { a: 'x' })).toEqual([['a', 'must be a number, an array or null']])
  expect(toldOf(schema, { a: [1, 'x'] })).toEqual([['a.1', 'must be a number']])
  expect(toldOf(schema, undefined)).toEqual([['', 'is missing']])
})

test('where several choices are meant, or one is named by a member, the sentence is true of all', () => {
  const two = z.union([z.object({ a: z.number() }), z.object({ b: z.number() })])
  expect(toldOf(two, {})).toEqual([['', 'has none of the allowed forms']])
  const named = z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') }), z.object({ kind: z.literal('b') })])
  expect(toldOf(named, { kind: 'c' })).toEqual([['kind', 'must be one of a, b']])
  expect(toldOf(named, {})).toEqual([['kind', 'must be one of a, b']])
})

test('an unknown member of the meant choice is told as such', () => {
  const { error } = retry.safeParse({ retry: { delay_ms: 1, delay: 1 } }, { error: zodMessages })
  expect(error && issuesOf(error)).toMatchObject([{ code: 'unrecognized_keys', keys: ['delay'], path: ['retry'] }])
})

test('of two bounds that a value breaks, the tighter one is told', () => {
  const number = z.number().int().min(5).max(100)
  expect(toldOf(number, 1e300)).toEqual([['', 'must be at most 100']])
  expect(toldOf(number, -1e300)).toEqual([['', 'must be at least 5']])
  expect(toldOf(z.number().int(), 1e300)).toEqual([['', 'must be at most 9007199254740991']])
  const other = z.object({ a: z.number().max(1), b: z.number().max(2) })
  expect(toldOf(other, { a: 3, b: 3 })).toEqual([
    ['a', 'must be at most 1'],
    ['b', 'must be at most 2'],
  ])
})

test('about a value of another kind only that is told', () => {
  expect(toldOf(z.array(z.number()).min(1), '')).toEqual([['', 'must be an array']])
})

const members = OPERATIONS.flatMap(({ method, path, body }) => {
  const { shape } = (body?.schema ?? {}) as { shape?: Record<string, unknown> }
  return Object.keys(shape ?? {}).map((member) => [`${method} ${path}`, member, body!.schema] as const)
})

test.each(members)('%s: at most one sentence is said about %s, whatever number it is', (_operation, member, schema) => {
  for (const value of [1e300, -1e300, 0.5, '', null])
    expect(toldOf(schema, { [member]: value }).filter(([path]) => path === member).length).toBeLessThanOrEqual(1)
})
