import { expect, test } from 'vitest'
import type { RequestView } from '../client/index.ts'
import { headLine, stepLines } from './request-lines.ts'

type StepJob = RequestView['steps'][number]['jobs'][number]

const attempt = (number: number, round: number | undefined, status: 'completed' | 'retry' | 'failure') => ({
  attempt: number,
  round,
  status,
  started_at: 't',
  ended_at: 't',
  error: null,
})
const job = (name: string, about: Partial<StepJob> = {}): StepJob => ({
  name,
  status: 'completed',
  round: 1,
  job_id: `id-of-${name}`,
  attempts: [attempt(1, 1, 'completed')],
  result: null,
  error: null,
  ended_at: 't',
  ...about,
})
const request = (round: number, jobs: StepJob[], undone: RequestView['undone'] = []): RequestView => ({
  request_id: 'r1',
  name: null,
  definition: null,
  parent: null,
  status: 'completed',
  step: null,
  round,
  params: {},
  extras: {},
  steps: [{ name: 'secure', status: 'completed', started_at: 't', ended_at: 't', extras: {}, jobs }],
  undone,
  events: [],
  error: null,
  created_at: 't',
  updated_at: 't',
  finished_at: 't',
})
const linesOf = (...given: Parameters<typeof request>) => stepLines(request(...given)).slice(1)

test('a request that went through at once says nothing of rounds', () => {
  const retried = { attempts: [attempt(1, 1, 'retry'), attempt(2, 1, 'completed')] }
  const next = job('ship', { status: 'new', round: null, job_id: null, attempts: [] })
  expect(linesOf(1, [job('reserve'), job('charge', retried), next])).toEqual([
    '    reserve: completed  id-of-reserve',
    '    charge: completed  id-of-charge  2 attempts',
    '    ship: new',
  ])
  expect(headLine(request(1, []), 'completed')).toBe('r1 is completed')
})

test('a job that was undone and done again is one story, with its rounds', () => {
  const attempts = [attempt(1, 1, 'retry'), attempt(2, 1, 'completed'), attempt(1, 2, 'completed')]
  const undone = [{ ...job('charge'), step: 'secure' }]
  const again = job('charge', { round: 2, attempts })
  const skipped = job('notify', { status: 'skipped', round: null, job_id: null, attempts: [] })
  expect(linesOf(2, [job('reserve'), again, skipped], undone)).toEqual([
    '    reserve: completed in round 1  id-of-reserve',
    '    charge: completed in round 2 (undone in round 1)  id-of-charge  2 attempts in round 1, 1 in round 2',
    '    notify: skipped',
  ])
  expect(headLine(request(2, []), 'completed')).toBe('r1 is completed, round 2')
})

test('an undo that failed is told with its error and its job, and one of another step is not mixed in', () => {
  const error = { name: 'Error', message: 'no refund' }
  const undone = [
    { ...job('charge', { status: 'failure', error, job_id: 'undo-1' }), step: 'secure' },
    { ...job('reserve', { status: 'inprogress' }), step: 'secure' },
    { ...job('reserve'), step: 'another' },
  ]
  expect(linesOf(1, [job('reserve'), job('charge')], undone)).toEqual([
    '    reserve: completed (being undone)  id-of-reserve',
    '    charge: completed (undo failed: no refund, job undo-1)  id-of-charge',
  ])
})

test('attempts that an earlier version stored have no round', () => {
  const attempts = [attempt(1, undefined, 'failure'), attempt(1, 2, 'completed')]
  expect(linesOf(2, [job('charge', { round: 2, attempts })])).toEqual([
    '    charge: completed in round 2  id-of-charge  1 attempt in an earlier round, 1 in round 2',
  ])
})
