import { expect, test } from 'vitest'
import { startMixed } from '../support/hasty.ts'
import { makeJob, untilJob, untilRunning } from '../support/jobs.ts'

test('a job that throws on a connection which another left behind ends, and the one beside it keeps its attempt', async () => {
  await using hasty = await startMixed(['job'], {
    env: { LEASE_MS: '1000' },
    jobEnv: { HANDLERS_DIR: 'e2e/foreign/handlers' },
  })
  const [worker] = hasty.job
  await untilJob(hasty, await makeJob(hasty, { type: 'lender', payload: {} }), { status: 'finished' })
  const beside = await makeJob(hasty, { type: 'sleep', payload: { ms: 4_000 } })
  await untilRunning(hasty, beside)
  const id = await makeJob(hasty, { type: 'lender', payload: { throws: true } })
  await worker!.exited()
  await worker!.restart()
  const job = await untilJob(hasty, id, { status: 'failed' })
  expect(job).toMatchObject({ reason: 'crashed', error: { name: 'Crashed' } })
  expect(job.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, 'released'],
    [1, 'crashed'],
    [2, 'crashed'],
  ])
  const other = await untilJob(hasty, beside, { status: 'finished' })
  expect(other.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, 'released'],
    [1, 'finished'],
  ])
})
