import { expect, test } from 'vitest'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import type { JobRun } from './job-run.ts'
import { outcomeOf } from './outcome.ts'

/** The outcome of an attempt that took too long. */
function atTimeout(onTimeout: 'retry' | 'fail' | 'cancel', attempt: number) {
  const policyOf = () => ({ ...DEFAULT_POLICY, on_timeout: onTimeout })
  const clock = { now: () => 1_000, monotonic: () => 0 }
  const backoff = { kind: 'fixed', base_ms: 500, max_ms: 500, jitter: 0 }
  const run = {
    spec: { type: 'slow', timeout_ms: 20, max_attempts: 2, backoff },
    originalPayload: () => ({ a: 1 }),
    made: { isEmpty: true },
  } as unknown as JobRun
  const started = { attempt, crashes: 0, isolated: false, seq: 7 }
  return outcomeOf({ workerId: 'w', policyOf, clock, random: () => 0 }, run, started, { kind: 'timeout' })
}

const error = { name: 'Timeout', message: 'the attempt took longer than 20 ms' }

test.each([
  ['retry', 1, 'retrying', { event: 'job:retrying', due_at: '1970-01-01T00:00:01.500Z', payload: { a: 1 } }],
  ['retry', 2, 'failed', { event: 'job:failed' }],
  ['fail', 1, 'failed', { event: 'job:failed' }],
  ['cancel', 1, 'cancelled', { event: 'job:cancelled' }],
] as const)('where a type says %s, attempt %i of 2 that takes too long is %s', (policy, attempt, outcome, event) => {
  expect(atTimeout(policy, attempt)).toMatchObject({
    outcome,
    isTimeout: true,
    then: 'ack',
    event: { ...event, attempt, reason: 'timeout', error },
  })
})
