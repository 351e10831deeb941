import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { startTimeShape } from '#shared/contracts/http/jobs.ts'
import { DELAY_MAX_MS } from '#shared/contracts/log/limits.ts'
import { startTimeMs } from './start-time.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')

test('a time that has passed is now, one ahead is kept, and none is refused', () => {
  expect(startTimeMs({}, NOW)).toBeNull()
  expect(startTimeMs({ run_at: '2026-11-22T12:00:01+00:00' }, NOW)).toBe(NOW + 1_000)
  expect(startTimeMs({ run_at: '2001-01-01T00:00:00Z' }, NOW)).toBeNull()
  expect(startTimeMs({ delay_ms: DELAY_MAX_MS }, NOW)).toBe(NOW + DELAY_MAX_MS)
  for (const run_at of ['soon', '', '2026-11-22T23:59:60Z', '9999-12-31T00:00:00Z'])
    expect(() => startTimeMs({ run_at }, NOW)).toThrow('run_at must be at most')
})

test('whatever text the description takes for a time is one', () => {
  const two = (max: number) => fc.nat(max).map((value) => String(value).padStart(2, '0'))
  const text = fc
    .tuple(fc.nat(9999), two(13), two(32), two(25), two(61), two(61), fc.stringMatching(/^(\.\d{1,12})?$/))
    .chain(([year, month, day, hour, minute, second, fraction]) =>
      fc
        .oneof(fc.constant('Z'), fc.stringMatching(/^[+-][0-2]\d:[0-6]\d$/))
        .map(
          (zone) => `${String(year).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}${fraction}${zone}`,
        ),
    )
  fc.assert(
    fc.property(text, (run_at) => {
      if (startTimeShape.run_at.safeParse(run_at).success) expect(Date.parse(run_at)).not.toBeNaN()
    }),
    { numRuns: 3_000 },
  )
})
