import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DELAY_MAX_MS } from '#shared/contracts/log/limits.ts'
import { backoffMs } from './backoff.ts'
import { isoTime } from './clock.ts'

const backoff = { kind: 'exponential' as const, base_ms: 1_000, max_ms: 60_000, jitter: 0.5 }

test('doubles from the base up to the maximum', () => {
  expect([1, 2, 3, 7, 50].map((attempt) => backoffMs(backoff, attempt, 0))).toEqual([
    1_000, 2_000, 4_000, 60_000, 60_000,
  ])
})

test('fixed stays at the base', () => {
  expect([1, 2, 9].map((attempt) => backoffMs({ ...backoff, kind: 'fixed' }, attempt, 0))).toEqual([
    1_000, 1_000, 1_000,
  ])
})

test('jitter only shortens, by its share at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const whole = backoffMs(backoff, attempt, 0)
      const delay = backoffMs(backoff, attempt, random)
      expect(delay).toBeLessThanOrEqual(whole)
      expect(delay).toBeGreaterThanOrEqual(Math.floor(whole * 0.5))
    }),
  )
})

test('no backoff makes a time that there is not, whatever an older version took for its maximum', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.maxSafeNat(), fc.maxSafeNat(), (attempt, base_ms, max_ms) => {
      const delayMs = backoffMs({ kind: 'exponential', base_ms, max_ms, jitter: 0.5 }, attempt + 1, 0.5)
      expect(delayMs).toBeLessThanOrEqual(DELAY_MAX_MS)
      expect(() => isoTime(Date.UTC(2026, 0) + delayMs)).not.toThrow()
    }),
  )
})
