import { expect, test } from 'vitest'
import type { Occurrences } from '../series/series.ts'
import { ERRORS_KEPT, type ErrorOccurrence, type ErrorRow } from './errors.ts'
import { ErrorCounter, errorKeyOf, errorsAfter } from './tally.ts'

const at = '2026-11-22T12:00:00.000Z'
const failure = (seq: number, name: string): ErrorOccurrence => ({
  seq,
  at,
  atMs: Date.parse(at),
  type: 'mail',
  tenant: '',
  jobId: `job-${seq}`,
  error: { name, message: 'm' },
})

function batch(list: ErrorOccurrence[]): Occurrences {
  const counter = new ErrorCounter()
  for (const each of list) counter.add(each)
  const changes = { spans: [], errors: counter.changes() }
  return { generation: 1, logGeneration: 1, logFromMs: 0, changes, changesAfter: () => changes }
}

const byKey = (rows: ErrorRow[]) => new Map(rows.map((row) => [errorKeyOf(row), row]))
const shown = (rows: ErrorRow[]) => rows.map(({ tally: { name, count } }) => [name, count])

test('as many kinds of a tenant are told apart as are kept, and further ones are counted together', () => {
  const list = [failure(1, 'A'), failure(2, 'B'), failure(3, 'C'), failure(4, 'C')]
  const rows = errorsAfter(batch(list), new Map(), () => ERRORS_KEPT - 1)
  expect(shown(rows)).toEqual([
    ['A', 1],
    ['Other', 3],
  ])
  expect(rows.at(-1)?.fingerprint).toBe('other')
  const full = () => ERRORS_KEPT + 1
  // Applied again, they count no more; a kind that is known already still counts for itself.
  expect(errorsAfter(batch(list), byKey(rows), full)).toEqual([])
  expect(shown(errorsAfter(batch([failure(5, 'A'), failure(6, 'D')]), byKey(rows), full))).toEqual([
    ['A', 2],
    ['Other', 4],
  ])
})
