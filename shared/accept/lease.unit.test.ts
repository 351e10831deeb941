import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PRIORITIES } from '#shared/contracts/log/job.ts'
import { hashOf, isSecretOf, type LeaseToken, readLease, writeLease } from './lease.ts'

const word = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/)
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const token = fc.record<LeaseToken>({
  gateway_id: word,
  worker_id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  type: fc.stringMatching(/^[a-z][a-z0-9_-]{0,63}$/),
  priority: fc.constantFrom(...PRIORITIES),
  job_id: word,
  attempt: seq,
  seq,
  trigger: seq,
  secret: word,
  ack: fc.string({ maxLength: 100 }),
})

test('a lease is read as it was written', () => {
  fc.assert(
    fc.property(token, (one) => {
      expect(readLease(writeLease(one))).toEqual(one)
    }),
  )
})

test('no text makes the reader throw, and no subject of the broker can be smuggled in', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.base64String()), (text) => {
      for (const lease of [text, Buffer.from(text).toString('base64url')]) {
        const read = readLease(lease)
        if (read !== null) expect(`${read.gateway_id}${read.job_id}${read.type}`).not.toMatch(/[.*>\s]/)
      }
    }),
  )
  fc.assert(
    fc.property(token, fc.constantFrom('a.b', '*', '>', '', ' '), (one, odd) => {
      for (const member of ['gateway_id', 'job_id', 'type', 'secret'] as const)
        expect(readLease(writeLease({ ...one, [member]: odd }))).toBeNull()
    }),
  )
})

test('only the secret itself belongs to its hash', () => {
  expect(isSecretOf(hashOf('a'), 'a')).toBe(true)
  expect(isSecretOf(hashOf('a'), 'b')).toBe(false)
  expect(isSecretOf('', 'a')).toBe(false)
})
