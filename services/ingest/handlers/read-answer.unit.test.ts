import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { hostile, makeHostile } from '../../../e2e/foreign/hostile.ts'
import { readAnswer } from './read-answer.ts'

test('what has no outcomes says that all are done', () => {
  for (const answer of [
    undefined,
    null,
    5,
    'ok',
    true,
    [{ id: 1 }],
    { rowCount: 2 },
    { outcomes: undefined },
    new Map(),
  ])
    expect(readAnswer(answer, 2)).toEqual(['done', 'done'])
})

test('each message has its own outcome', () => {
  const outcomes = ['done', { retry: 'busy' }, { failed: ['a', 'b'] }]
  expect(readAnswer({ outcomes }, 3)).toEqual(['done', { retry: 'busy' }, { failed: '["a","b"]' }])
})

test.each([
  [[], 'returned 0 outcomes for 2'],
  ['done', 'must be a list'],
  [['done', 'perhaps'], 'outcomes/1'],
  [['done', {}], 'outcomes/1'],
])('outcomes that say nothing of use (%j) are an error that says so', (outcomes, why) => {
  expect(() => readAnswer({ outcomes }, 2)).toThrow(why)
})

test('whatever a handler returns is read as outcomes, or is an error', () => {
  fc.assert(
    fc.property(hostile, fc.boolean(), (spec, isOutcome) => {
      const answer = isOutcome ? { outcomes: [makeHostile(spec)] } : makeHostile(spec)
      try {
        const [outcome] = readAnswer(answer, 1)
        expect(JSON.stringify(outcome)).not.toMatch(/[^\\]\\ud[89a-f]/)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }),
  )
})
