import { expect, test } from 'vitest'
import { fingerprintOf, patternOf } from './fingerprint.ts'

test.each([
  ['no customer 5', 'no customer <n>'],
  ['took 1,204.5 ms of 46000', 'took <n> ms of <n>'],
  ['cannot read \'name\' of "order 7"', 'cannot read <text> of <text>'],
  ['ENOENT: no such file, open /var/lib/app/7/in.json', 'ENOENT: no such file, open <path>'],
  ['GET https://example.org/a/b?c=1 answered 503', 'GET <address> answered <n>'],
  ['job 1m8m02vc6aumtiAGEn6a9s79o is gone', 'job <id> is gone'],
  ['user 6f1c2b34-8a1e-4c55-9d0e-5f2f7b1f2c11 not found', 'user <id> not found'],
  ['connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED <n>'],
])('%s is of the kind %s', (message, pattern) => {
  expect(patternOf(message)).toBe(pattern)
})

test('type, name, code and kind of message make a fingerprint, and nothing else', () => {
  const error = { name: 'TypeError', message: 'no customer 5' }
  const known = fingerprintOf('mail', error)
  expect(known).toMatch(/^[0-9a-f]{16}$/)
  expect(fingerprintOf('mail', { ...error, message: 'no customer 77' })).toBe(known)
  const others = [
    fingerprintOf('sleep', error),
    fingerprintOf('mail', { ...error, name: 'Error' }),
    fingerprintOf('mail', { ...error, code: 'E' }),
    fingerprintOf('mail', { ...error, message: 'no order 5' }),
  ]
  expect(new Set([known, ...others]).size).toBe(5)
})

test('a long message full of digits and slashes takes no time to speak of', () => {
  const startedMs = performance.now()
  for (const part of ['a1-', '/a.', '"x', "a'", '9,', 'http://', '\\a']) patternOf(part.repeat(100_000))
  expect(performance.now() - startedMs).toBeLessThan(1_000)
})
