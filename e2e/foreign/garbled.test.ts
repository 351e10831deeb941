import { expect, test } from 'vitest'
import { startMixed } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'

test.each<[string, Record<string, unknown>]>([
  ['text between the messages', { writes: 'no JSON\n' }],
  ['a message of Node’s own', { sends: { cmd: 'NODE_HANDLE_NACK' } }],
])('a child that sends %s ends its job, and not the worker', async (_what, payload) => {
  await using hasty = await startMixed(['job'], {
    jobs: 2,
    env: { LEASE_MS: '1000' },
    jobEnv: { HANDLERS_DIR: 'e2e/foreign/handlers' },
  })
  const job = await untilJob(hasty, await makeJob(hasty, { type: 'garbled', payload }), { status: 'failed' })
  expect(job).toMatchObject({
    reason: 'crashed',
    error: { message: expect.stringContaining('sent an unreadable message') as unknown },
  })
  expect(job.attempts.map(({ outcome }) => outcome)).toEqual(['crashed', 'crashed', 'crashed'])
  // One of the two workers has died, with the first attempt.
  await untilJob(hasty, await makeJob(hasty, { type: 'sleep', payload: { ms: 1 } }), { status: 'finished' })
  const workers = await Promise.allSettled(hasty.job.map(({ url }) => fetch(`${url}/livez`)))
  expect(workers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})
