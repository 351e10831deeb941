import { expect, test } from 'vitest'
import { nearestName } from './nearest-name.ts'

const POLICY = ['timeout_ms', 'timeout_max_ms', 'max_attempts', 'max_attempts_limit', 'backoff', 'concurrency']

test.each([
  ['timeout', 'timeout_ms'],
  ['timeoutMs', 'timeout_ms'],
  ['max_attempt', 'max_attempts'],
  ['maxAttempts', 'max_attempts'],
  ['back_off', 'backoff'],
  ['concurency', 'concurrency'],
])('%s is meant as %s', (given, meant) => {
  expect(nearestName(given, POLICY)).toBe(meant)
})

test.each(['retries', 'x', '', 'max', 'priority'])('%j is near to none of them', (given) => {
  expect(nearestName(given, POLICY)).toBeNull()
})
