import { expect, test } from 'vitest'
import { makeLedger, percentilesOf } from './ledger.ts'

test('percentiles are values that were seen, at their rank', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)
  expect(percentilesOf(hundred)).toEqual({ p50: 50, p90: 90, p95: 95, p99: 99, max: 100 })
  expect(percentilesOf([7])).toEqual({ p50: 7, p90: 7, p95: 7, p99: 7, max: 7 })
  expect(percentilesOf([])).toBeNull()
})

test('a job ends once, whether its end is told before or after its accept', () => {
  const ledger = makeLedger()
  expect(ledger.end('early', 'finished', 30)).toBe(false)
  ledger.accept('early', 10)
  ledger.accept('late', 10)
  expect(ledger.end('late', 'failed', 20)).toBe(true)
  expect(ledger.end('late', 'failed', 25)).toBe(false)
  ledger.accept('lost', 10)
  ledger.end('of somebody else', 'finished', 1)
  ledger.refuse('cooldown')
  expect(ledger.summary(1_000)).toEqual({
    accepted: 3,
    refused: { cooldown: 1 },
    ended: { finished: 1, failed: 1, cancelled: 0 },
    unended: ['lost'],
    rate_per_s: 3,
    latency_ms: { p50: 10, p90: 20, p95: 20, p99: 20, max: 20 },
  })
})
