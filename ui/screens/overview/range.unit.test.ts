import { expect, test } from 'vitest'
import { rangeOf } from './range.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-30T12:00:00Z')
const ago = (ms: number) => new Date(NOW - ms).toISOString()
const asked = (query: string) => {
  const { name, fromMs, toMs, step, typeStep } = rangeOf(new URLSearchParams(query), NOW)
  return { name, hours: (toMs - fromMs) / HOUR, step, typeStep }
}

test.each([
  ['', { name: '1h', hours: 1, step: '10s', typeStep: '1m' }],
  ['range=24h', { name: '24h', hours: 24, step: '1m', typeStep: '1h' }],
  ['range=7d', { name: '7d', hours: 168, step: '1h', typeStep: '1h' }],
  ['range=nothing', { name: '1h', hours: 1, step: '10s', typeStep: '1m' }],
  ['from=x&to=y', { name: '1h', hours: 1, step: '10s', typeStep: '1m' }],
])('%s', (query, range) => expect(asked(query)).toEqual(range))

test('a marked range has the finest spans that are still kept for it', () => {
  expect(asked(`from=${ago(1.5 * HOUR)}&to=${ago(HOUR)}`)).toEqual({
    name: null,
    hours: 0.5,
    step: '10s',
    typeStep: '1m',
  })
  expect(asked(`from=${ago(30 * HOUR)}&to=${ago(29 * HOUR)}`)).toMatchObject({ step: '1m' })
  expect(asked(`from=${ago(100 * HOUR)}&to=${ago(99 * HOUR)}`)).toMatchObject({ step: '1h' })
})
