import { expect, test } from 'vitest'
import type { Attempt } from '../client/index.ts'
import { attemptTable } from './attempt-table.ts'
import { formatDuration, formatPercent } from './format-number.ts'

const attempt: Attempt = {
  attempt: 1,
  round: 1,
  worker_id: 'w-1',
  started_at: '2026-11-22T08:00:00.000Z',
  ended_at: '2026-11-22T08:00:03.250Z',
  outcome: 'retrying',
  error: { name: 'Error', message: 'upstream\nsaid no' },
}

test('attempts are shown with round, worker, times, outcome and error', () => {
  const second = { ...attempt, attempt: 2, round: undefined, ended_at: null, outcome: null, error: null }
  expect(attemptTable([attempt, second], 200).map((line) => line.trim().split(/ {2,}/))).toEqual([
    [''],
    ['ROUND', 'ATTEMPT', 'WORKER', 'STARTED', 'TOOK', 'OUTCOME', 'ERROR'],
    ['1', '1', 'w-1', '2026-11-22T08:00:00.000Z', '3.2 s', 'retrying', 'upstream said no'],
    ['-', '2', 'w-1', '2026-11-22T08:00:00.000Z', 'running'],
  ])
  expect(attemptTable([], 200)).toEqual([])
  const long = attemptTable([{ ...attempt, error: { name: 'Error', message: 'x'.repeat(500) } }], 120)
  expect(long.at(-1)).toHaveLength(120)
})

test('numbers are rounded as people read them', () => {
  expect([100 / 6, 100, 0, 99.96, 33.3333].map(formatPercent)).toEqual(['16.7 %', '100 %', '0 %', '100 %', '33.3 %'])
  const durations = [0, 0.4, 12.6, 999, 1_000, 3_250, 59_999, 60_000, 245_000, 3_600_000, 7_810_000, -5]
  expect(durations.map(formatDuration)).toEqual(
    '0 ms,0 ms,13 ms,999 ms,1 s,3.2 s,59.9 s,1 min 0 s,4 min 5 s,1 h 0 min,2 h 10 min,0 ms'.split(','),
  )
})
