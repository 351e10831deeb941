import { expect, test } from 'vitest'
import { planSchema } from '#shared/contracts/http/requests.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { taskJobId } from '#shared/ids/task-address.ts'
import { decide } from '../decide/decide.ts'
import { newRecord } from '../decide/new-record.ts'
import type { RequestRecord } from '../decide/record.ts'
import { requestView } from './request-view.ts'

const NOW = Date.parse('2027-01-01T12:00:00.000Z')
const at = '2027-01-01T12:00:00.000Z'
const REQUEST_ID = '1m8jyee5bFom7UYRdbsRllD5L'
const error = { name: 'Error', message: 'broken' }
const attempt = { attempt: 1, status: 'completed', started_at: at, ended_at: at, error: null } as const

const plan = planSchema.parse([
  { name: 'one', jobs: [{ name: 'a', type: 'add', compensate: { type: 'add' } }] },
  { name: 'two', jobs: [{ name: 'b', type: 'add' }] },
  { name: 'three', jobs: [{ name: 'c', type: 'add', if: { value: '/params/wanted' } }] },
])
const given = { tenant: null, name: null, definition: null, params: {}, extras: {}, plan }

type Task = Parameters<typeof taskJobId>[1]
const end = (record: RequestRecord, task: Task, status: 'completed' | 'failure'): RequestRecord => {
  const about = { attempts: [attempt], result: null, error: status === 'failure' ? error : null, at }
  return decide(record, { kind: 'task-ended', task, end: { status, ...about } }, NOW)
}

/** Job `a` completed, `b` failed, `a` was undone, and all of it was begun again. */
function retried(): RequestRecord {
  let record = decide(newRecord({ requestId: REQUEST_ID, ...given }, NOW), { kind: 'pick-up' }, NOW)
  record = end(record, { step: 0, key: 'a', round: 1 }, 'completed')
  record = end(record, { step: 1, key: 'b', round: 1 }, 'failure')
  record = end(record, { step: null, undo_step: 0, key: 'a', round: 1 }, 'completed')
  return decide(record, { kind: 'retry', appliedAs: null }, NOW)
}

test('jobs, attempts and undos have their rounds, and an undo the step of its job', () => {
  const again = retried()
  expect(requestView(again)).toMatchObject({
    round: 2,
    steps: [
      { jobs: [{ name: 'a', round: 2, attempts: [{ attempt: 1, round: 1 }] }] },
      { jobs: [{ name: 'b', status: 'new', round: null, attempts: [{ attempt: 1, round: 1 }] }] },
      { jobs: [{ name: 'c', status: 'new', round: null, attempts: [] }] },
    ],
    undone: [{ name: 'a', step: 'one', round: 1, status: 'completed', attempts: [{ attempt: 1, round: 1 }] }],
  })
  const done = end(
    end(again, { step: 0, key: 'a', round: 2 }, 'completed'),
    { step: 1, key: 'b', round: 2 },
    'completed',
  )
  expect(requestView(done)).toMatchObject({
    status: 'completed',
    steps: [{}, { jobs: [{ attempts: [{ round: 1 }, { round: 2 }] }] }, { jobs: [{ status: 'skipped', round: null }] }],
  })
})

test('the attempts of a running job, which only its own history has, are of the round that runs', () => {
  const jobId = taskJobId(REQUEST_ID, { step: 0, key: 'a', round: 2 })
  const spec = { priority: 'normal', created_at: at, round: 1, attempt: 1, timeout_ms: 1_000, max_attempts: 1 } as const
  const backoff = { kind: 'fixed', base_ms: 0, max_ms: 0, jitter: 0 } as const
  const job = { job_id: jobId, object_id: 'o', type: 'add', at, crashes: 0 }
  let running: Job | null = applyEvent(null, { event: 'job:created', ...job, ...spec, backoff }, 1)
  const start = { worker_id: 'w', trigger: 1, attempt: 1, isolated: false }
  running = applyEvent(running, { event: 'job:started', ...job, ...start }, 2)
  if (running === null) throw new Error('no job')
  expect(requestView(retried(), new Map([[jobId, running]])).steps[0]?.jobs[0]?.attempts).toMatchObject([
    { attempt: 1, round: 1, status: 'completed' },
    { attempt: 1, round: 2, status: 'inprogress' },
  ])
})
