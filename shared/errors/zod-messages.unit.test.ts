import { expect, test } from 'vitest'
import { z } from 'zod'
import { zodMessages } from './zod-messages.ts'

test.each<[string, z.ZodType, unknown, string]>([
  ['nothing', z.string(), undefined, 'is missing'],
  ['null', z.string(), null, 'must be a string'],
  ['a text for a number', z.number().int(), '1', 'must be a number'],
  ['half a number', z.number().int(), 1.5, 'must be a whole number'],
  ['too little', z.number().min(3), 2, 'must be at least 3'],
  ['too much', z.number().max(3), 4, 'must be at most 3'],
  ['a short text', z.string().min(1), '', 'must have at least 1 character'],
  ['a long list', z.array(z.number()).max(1), [1, 2], 'must have at most 1 item'],
  ['another word', z.enum(['a', 'b']), 'c', 'must be one of a, b'],
  ['another text', z.string().regex(/^[a-z]+$/), 'A', 'must match /^[a-z]+$/'],
  ['no time', z.iso.datetime(), 'soon', 'must be an RFC 3339 time, such as 2026-11-22T18:00:00Z'],
  ['what the schema says itself', z.string().regex(/^a/, 'is no a'), 'b', 'is no a'],
])('%s', (_, schema, value, message) => {
  expect(schema.safeParse(value, { error: zodMessages }).error?.issues).toMatchObject([{ message }])
})
