import { expect, test } from 'vitest'
import { closestWord } from './closest-word.ts'

const types = ['add', 'flaky', 'http', 'multiply', 'sleep', 'task']

test.each([
  ['flakey', 'flaky'],
  ['slepe', 'sleep'],
  ['Sleep', 'sleep'],
  ['htpp', 'http'],
  ['tasks', 'task'],
  ['mul', 'multiply'],
  ['mu', null],
  ['a', null],
  ['', null],
  ['nope', null],
  ['resize', null],
])('%s may mean %s', (written, meant) => {
  expect(closestWord(written, types)).toBe(meant)
})

test('of several words the closest is taken', () => {
  expect(closestWord('schedule', ['scheduler', 'schedules', 'schedule'])).toBe('schedule')
  expect(closestWord('prcessing', ['processing', 'processed'])).toBe('processing')
  expect(closestWord('x', [])).toBeNull()
})
