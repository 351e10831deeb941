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

const policy = ['timeout_ms', 'timeout_max_ms', 'max_attempts', 'max_attempts_limit', 'backoff', 'concurrency']

test.each([
  ['timeout', 'timeout_ms'],
  ['timeoutMs', 'timeout_ms'],
  ['max_attempt', 'max_attempts'],
  ['maxAttempts', 'max_attempts'],
  ['back_off', 'backoff'],
  ['concurency', 'concurrency'],
  ['retries', null],
  ['priority', null],
])('the member %s may mean %s', (written, meant) => {
  expect(closestWord(written, policy)).toBe(meant)
})
