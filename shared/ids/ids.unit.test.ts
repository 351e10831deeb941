import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { RANDOM_ALPHABET, RANDOM_LENGTH } from '#shared/contracts/log/job-id.ts'
import { derivedJobId, lastDigits } from './ids.ts'

test('the last digits of a number are what division tells', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (number) => {
      let rest = number
      let expected = ''
      for (let n = 0; n < RANDOM_LENGTH; n++) {
        expected += RANDOM_ALPHABET[Number(rest % 62n)]
        rest /= 62n
      }
      expect(lastDigits(number)).toBe(expected)
    }),
  )
})

test('the id that follows from given parts never changes: replicas of other versions derive it too', () => {
  expect(derivedJobId(Date.parse('2027-01-01T00:00:00Z'), 'request', 'r', 1, 'a', 1)).toBe('1mb78qn00h6tzQxiMCwX4BRHc')
})
