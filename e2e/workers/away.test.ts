import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test, vi } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { getFrom } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { listWorkers, readAttempts, workerOf } from './workers.ts'

// The store of the job service is useful, not necessary: whatever happens to it, jobs run.

const SOON = { timeout: 25_000, interval: 250 }
const quick = { SLEEP_MIN_MS: '1', SLEEP_MAX_MS: '5' }

async function runSome(hasty: Mixed<'job'>, count: number): Promise<void> {
  const jobs = await Promise.all(Array.from({ length: count }, () => makeJob(hasty)))
  for (const jobId of jobs) await untilJob(hasty, jobId, { status: 'finished' })
}

const untilAway = (hasty: Mixed<'job'>) =>
  vi.waitFor(async () => {
    const { status, headers, body } = await getFrom(`${hasty.url}/v1/workers`)
    expect({ status, code: body['code'], retry: headers.get('retry-after') }).toEqual({
      status: 503,
      code: 'unavailable',
      retry: '1',
    })
  }, SOON)

test('where the store cannot be opened jobs run and finish, and it has them all when it can', async () => {
  await using hasty = await startMixed(['job'], { jobs: 0, nginx: false, jobEnv: quick })
  const file = join(hasty.dataDir, 'job.sqlite')
  await mkdir(file)
  const worker = await hasty.addJob()
  await runSome(hasty, 20)
  const job = { ...hasty, url: worker.url }
  await untilAway(job)
  expect((await getFrom(`${worker.url}/readyz`)).status).toBe(200)
  const warning = { level: 'warn', msg: expect.stringContaining('jobs run without it') as string }
  await vi.waitFor(async () => {
    expect((await worker.logs()).filter(({ level }) => level !== 'info')).toMatchObject([warning])
  }, SOON)
  await rmdir(file)
  const { worker_id } = await vi.waitFor(() => workerOf(job, worker.pid), SOON)
  expect(await readAttempts(job, worker_id)).toHaveLength(20)
})

test('without its MongoDB jobs run and finish, and the stop is not held up', async () => {
  const JOB_MONGO_URL = `mongodb://127.0.0.1:${await freePort()}/hasty_job`
  await using hasty = await startMixed(['job'], { jobEnv: { ...quick, JOB_MONGO_URL } })
  await runSome(hasty, 20)
  const [worker] = hasty.job
  await untilAway({ ...hasty, url: worker?.url ?? '' })
  const startedMs = performance.now()
  await worker?.stop()
  expect(await worker?.exited()).toMatchObject({ code: 0 })
  expect(performance.now() - startedMs).toBeLessThan(4_000)
})

test('while another process holds the lock of its file jobs run as fast as before, and nothing of them is lost', async () => {
  await using hasty = await startMixed(['job'], { jobEnv: quick })
  const [replica] = hasty.job
  const job = { ...hasty, url: replica?.url ?? '' }
  const { worker_id } = await workerOf(job, replica?.pid ?? 0)
  const timed = async () => {
    const startedMs = performance.now()
    await runSome(hasty, 50)
    return performance.now() - startedMs
  }
  await timed()
  const freeMs = await timed()
  using database = new DatabaseSync(join(hasty.dataDir, 'job.sqlite'), { timeout: 20_000 })
  database.exec('BEGIN IMMEDIATE')
  const heldAtMs = performance.now()
  const heldMs = await timed()
  // Long enough for a report to fail at the lock: others' reads continue in the meantime, or are refused at once.
  while (performance.now() - heldAtMs < 7_000) await runSome(hasty, 5)
  database.exec('COMMIT')
  expect(heldMs).toBeLessThan(3 * freeMs + 1_000)
  await vi.waitFor(async () => {
    const worker = (await listWorkers(job)).find((each) => each.worker_id === worker_id)
    expect(worker?.processed).toBeGreaterThan(150)
    expect(await readAttempts(job, worker_id, 200)).toHaveLength(worker?.processed ?? 0)
  }, SOON)
})
