import { expect, test } from 'vitest'
import { startMixed } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'

// A job that has killed a worker runs in a process of its own. Where none starts, the job must neither wait forever nor
// be out of reach.

test('where no child starts a job that may have killed its worker goes on, and one that surely has can be cancelled', async () => {
  // Three of the workers die.
  await using hasty = await startMixed(['job'], {
    jobs: 4,
    env: { LEASE_MS: '1000' },
    jobEnv: { HANDLERS_DIR: 'e2e/foreign/handlers/childless' },
  })
  const once = await makeJob(hasty, { type: 'childless', payload: { deaths: 1 } })
  expect(await untilJob(hasty, once, { status: 'finished' })).toMatchObject({ result: 2 })

  const twice = await makeJob(hasty, { type: 'childless', payload: { deaths: 2 } })
  const outcomes = async () => (await readJob(hasty, twice)).attempts.map(({ outcome }) => outcome)
  await expect.poll(outcomes, { timeout: 30_000 }).toEqual(['crashed', null])
  const cancelled = await fetch(`${hasty.url}/v1/jobs/${twice}`, { method: 'DELETE' })
  expect(cancelled.status).toBe(200)
  expect(await readJob(hasty, twice)).toMatchObject({ status: 'cancelled', reason: 'requested' })
})
