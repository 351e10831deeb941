import { expect, test } from 'vitest'
import { type EndStatus, type JobEnd, makeLedger, percentilesOf } from './ledger.ts'

test('percentiles are values that were seen, at their rank', () => {
  const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)
  expect(percentilesOf(hundred)).toEqual({ p50: 50, p90: 90, p95: 95, p99: 99, max: 100 })
  expect(percentilesOf([7])).toEqual({ p50: 7, p90: 7, p95: 7, p99: 7, max: 7 })
  expect(percentilesOf([])).toBeNull()
})

const end = (status: EndStatus, seenMs: number): JobEnd => ({ status, at: '2026-11-22T08:00:00.000Z', seenMs })

test('a job ends once, whether its end is told before or after its accept', () => {
  const ledger = makeLedger()
  expect(ledger.end('early', end('finished', 30))).toBe(false)
  expect(ledger.accept('early', 10)).toEqual(end('finished', 30))
  expect(ledger.accept('late', 10)).toBeNull()
  expect(ledger.end('late', end('failed', 20))).toBe(true)
  expect(ledger.end('late', end('failed', 25))).toBe(false)
  ledger.accept('lost', 10)
  ledger.end('of somebody else', end('finished', 1))
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

test("of others' ends it keeps the latest 10,000", () => {
  const ledger = makeLedger()
  for (let n = 0; n <= 10_000; n++) ledger.end(`job ${n}`, end('finished', n))
  expect(ledger.accept('job 0', 0)).toBeNull()
  expect(ledger.accept('job 1', 0)).toEqual(end('finished', 1))
})

test('percentiles are of the latest 100,000 jobs', () => {
  const ledger = makeLedger()
  const run = (jobs: number, latencyMs: number) => {
    for (let n = 0; n < jobs; n++) {
      ledger.accept('job', 0)
      ledger.end('job', end('finished', latencyMs))
    }
  }
  run(50_000, 9)
  run(100_000, 5)
  expect(ledger.summary(1)).toMatchObject({ accepted: 150_000, latency_ms: { max: 5 } })
})
