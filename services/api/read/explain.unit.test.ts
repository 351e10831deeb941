import { expect, test } from 'vitest'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { objectIdOf, taskJobId } from '#shared/ids/task-address.ts'
import { explain, type WaitFacts } from './explain.ts'

const NOW = Date.parse('2026-11-22T08:00:00.000Z')
const JOB_ID = '1m8jyee5bFom7UYRdbsRllD5L'
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString()
const error = { name: 'Error', message: 'upstream said no' }
const facts: WaitFacts = { type: null, hasLiveWorker: true, ahead: 0, ratePerS: 0 }

const created = {
  event: 'job:created',
  job_id: JOB_ID,
  object_id: 'order-1',
  type: 'mail',
  priority: 'normal',
  at: at(0),
  created_at: at(0),
  round: 1,
  attempt: 1,
  payload: null,
  timeout_ms: 1_000,
  max_attempts: 1,
  backoff: { kind: 'fixed', base_ms: 0, max_ms: 0, jitter: 0 },
  crashes: 0,
} as unknown as JobEvent

/** The job after these events, which need only the members that tell something. */
function jobAfter(...events: Record<string, unknown>[]): Job {
  let job: Job | null = null
  for (const [n, event] of [{}, ...events].entries()) job = applyEvent(job, { ...created, at: at(n), ...event }, n + 1)
  if (job === null) throw new Error('no job')
  return job
}
const started = { event: 'job:started', worker_id: 'w-1' }
const failed = (reason: string) => ({ event: 'job:failed', worker_id: 'w-1', reason, error })
const cancelled = (reason: string) => ({ event: 'job:cancelled', reason })

test.each([
  ['permanent', 'nothing'],
  ['invalid_payload', 'nothing'],
  ['event_too_large', 'nothing'],
  ['attempts_exhausted', 'retry'],
  ['crashed', 'retry'],
  ['unreadable', 'retry'],
  ['result_too_large', 'redrive'],
  ['result_not_json', 'redrive'],
  ['result_too_deep', 'redrive'],
  ['of-another-version', 'retry'],
])('after a failure as %s the advice is: %s', (reason, action) => {
  const why = explain(jobAfter(started, failed(reason)), null, NOW)
  expect(why).toMatchObject({ status: 'failed', reason, error, next: { action }, reasons: [{ code: 'ended' }] })
  expect(why.reasons[0]?.detail).toMatch(/^It failed at 2026-11-22T08:00:02.000Z(, because [^.]+)?\.$/)
  if (action === 'nothing') expect(why.next.detail).not.toMatch(/retry/i)
})

test('a timeout may be retried with more time, and what somebody cancelled needs nothing', () => {
  expect(explain(jobAfter(started, cancelled('timeout')), null, NOW)).toMatchObject({
    reasons: [{ detail: expect.stringContaining('longer than its time limit') as string }],
    next: { action: 'retry', detail: expect.stringContaining('timeout_ms') as string },
  })
  expect(explain(jobAfter(cancelled('requested')), null, NOW).next.action).toBe('nothing')
  expect(explain(jobAfter(started, { event: 'job:finished' }), null, NOW).next.action).toBe('nothing')
})

test('a failed job of a request is not to be retried alone', () => {
  const address = { step: 0, key: 'charge', round: 1 }
  const own = { object_id: objectIdOf(JOB_ID, address), job_id: taskJobId(JOB_ID, address) }
  const job = { ...jobAfter(started, failed('attempts_exhausted')), ...own }
  expect(explain(job, null, NOW).next).toMatchObject({ action: 'retry', request_id: JOB_ID })
  const permanent = { ...jobAfter(started, failed('permanent')), ...own }
  expect(explain(permanent, null, NOW).next).toMatchObject({ action: 'nothing', request_id: JOB_ID })
})

test('all attempts are there with their rounds, and while one is awaited the error of the last', () => {
  const retrying = { event: 'job:retrying', worker_id: 'w-1', due_at: at(60), error }
  const second = { event: 'job:created', round: 2, attempt: 2, max_attempts: 3 }
  const job = jobAfter(started, failed('attempts_exhausted'), second, { ...started, attempt: 2 }, retrying)
  expect(explain(job, null, NOW)).toMatchObject({
    round: 2,
    error,
    reason: null,
    reasons: [{ code: 'waiting_for_retry' }],
    next: { action: 'wait' },
    attempts: [
      { attempt: 1, round: 1, outcome: 'failed', worker_id: 'w-1', error },
      { attempt: 2, round: 2, outcome: 'retrying', error },
    ],
  })
})

test('a waiting job is advised by what holds it up', () => {
  const waiting = jobAfter()
  expect(explain(waiting, facts, NOW).next).toEqual({ action: 'wait', detail: 'It starts by itself.' })
  expect(explain(waiting, { ...facts, hasLiveWorker: false }, NOW).next.detail).toContain('Start a worker')
  const paused = { type: 'mail', paused: true, concurrency: null, running: 0 } as WaitFacts['type']
  expect(explain(waiting, { ...facts, hasLiveWorker: false, type: paused }, NOW).next.detail).toContain('is resumed')
  expect(explain(jobAfter(started), null, NOW)).toMatchObject({ reasons: [{ code: 'running' }], error: null })
})
