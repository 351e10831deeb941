import { expect, test } from 'vitest'
import { compare } from './compare.ts'
import type { Row } from './peers/run-peer.ts'

const run = (repeat: number, perS: number): Row => ({
  peer: 'hasty',
  repeat,
  at: '2026-11-22T00:00:00Z',
  machine: 'a machine',
  versions: {},
  settings: { jobs: 1, backlog: 1, requests: 1, messages: 1, connections: 1, seconds: 1, noise: 1, quiet: 1 },
  drain: { perS, count: 1, problems: [], cpu: { wallMs: 1, ms: {}, othersCores: 0 } },
})
const runs = (...perS: number[]): Row[] => perS.map((value, n) => run(n + 1, value))

test('a metric whose repeats lie farther from those before than they differ among themselves has moved', () => {
  const text = compare(runs(100, 110, 120), runs(140, 154, 170))
  expect(text).toContain('| 110 (100 - 120) | 154 (140 - 170) | 1.40 * |')
  expect(text).toMatch(/moved: .*drain of the backlog 1\.40 \(better\)\.$/)
})

test('a metric whose repeats differ among themselves by more than from those before has not moved', () => {
  expect(compare(runs(100, 110, 120), runs(121, 130, 170))).toMatch(/No ratio moved/)
})

test('a metric whose repeats overlap with those before has not moved', () => {
  const text = compare(runs(100, 100, 120), runs(119, 150, 150))
  expect(text).toContain('| 1.50 |')
  expect(text).toMatch(/No ratio moved/)
})

test('a metric that only this run has is shown without a ratio', () => {
  const before: Row = { ...run(1, 1) }
  delete before.drain
  expect(compare([before], runs(100, 110))).toContain('| - | 105 (100 - 110) | - |')
})

test('one repeat has no spread, so nothing is said to have moved', () => {
  expect(compare(runs(100), runs(200))).toMatch(/One repeat has no spread/)
})
