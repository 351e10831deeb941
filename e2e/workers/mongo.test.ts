import { nanoid } from 'nanoid'
import { expect, test, vi } from 'vitest'
import { startMixed } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { listWorkers, readAttempts } from './workers.ts'

/** Set by `npm test`, which starts a server or reports why there is none. */
const server = process.env.HASTY_TEST_MONGO_URL

test.skipIf(server === undefined)('two workers share a MongoDB of their own', async () => {
  const JOB_MONGO_URL = `${server}/hasty_test_${nanoid(10).replaceAll('-', '_')}`
  const env = { SLEEP_MIN_MS: '1', SLEEP_MAX_MS: '20', JOB_SLOTS: '4' }
  await using hasty = await startMixed(['job'], { jobs: 2, nginx: true, jobEnv: { ...env, JOB_MONGO_URL } })
  const jobs = await Promise.all(Array.from({ length: 40 }, () => makeJob(hasty)))
  for (const jobId of jobs) await untilJob(hasty, jobId, { status: 'finished' })
  const workers = await vi.waitFor(
    async () => {
      const found = await listWorkers(hasty, '?live=true')
      expect(found.reduce((sum, { processed }) => sum + processed, 0)).toBe(40)
      return found
    },
    { timeout: 20_000, interval: 250 },
  )
  const attempts = await Promise.all(workers.map(({ worker_id }) => readAttempts(hasty, worker_id)))
  expect(
    attempts
      .flat()
      .map(({ job_id }) => job_id)
      .toSorted(),
  ).toEqual(jobs.toSorted())
  await hasty.job[0]?.stop()
  expect(await listWorkers(hasty, '?live=false')).toMatchObject([{ live: false, pid: hasty.job[0]?.pid }])
})
