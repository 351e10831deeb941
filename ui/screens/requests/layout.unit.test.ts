import { expect, test } from 'vitest'
import type { PlanJob } from '../../../shared/contracts/http/requests.ts'
import { rowsOf, type StepJob, tallyOf } from './layout.ts'

const job = (name: string, status: StepJob['status'] = 'completed'): StepJob => ({
  name,
  status,
  round: 1,
  job_id: null,
  attempts: [],
  result: null,
  error: null,
  ended_at: null,
})
const planned = (name: string, more: Partial<PlanJob> = {}): PlanJob => ({ name, priority: 'normal', ...more })

test('a job stands below all that it needs, by the longest way', () => {
  const plan = [planned('a'), planned('b', { needs: ['a'] }), planned('c', { needs: ['a', 'b'] }), planned('d')]
  const rows = rowsOf(
    ['a', 'b', 'c', 'd'].map((name) => job(name)),
    plan,
  )
  expect(rows.map((row) => row.map(({ name }) => name))).toEqual([['a', 'd'], ['b'], ['c']])
})

test('the items of a foreach are one node, also where the plan is not known', () => {
  const [[node] = []] = rowsOf([job('page[0]'), job('page[1]', 'inprogress'), job('page[2]', 'failure')], undefined)
  expect(node).toMatchObject({ name: 'page', isForeach: true })
  expect(tallyOf(node?.jobs ?? [])).toEqual({ state: 'failure', done: 1, failed: 1, whole: 3 })
})

test('a node is completed when all of its jobs are, or were skipped beside others', () => {
  expect(tallyOf([job('a'), job('b', 'skipped')]).state).toBe('completed')
  expect(tallyOf([job('a', 'skipped')]).state).toBe('skipped')
  expect(tallyOf([job('a'), job('b', 'new')]).state).toBe('new')
})
