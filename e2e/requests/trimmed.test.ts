// The log drops the beginning of a job while its request still waits for the end.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { send } from '../support/call.ts'
import { type Hasty, startInProcess } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { connectTest, readLog } from '../support/read-log.ts'
import { make, post, SOON, step, untilLike, view } from './request-calls.ts'

const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const env = { HANDLERS_DIR, COOLDOWN_MS: '0', LOG_RETENTION_MS: '0', HOUSEKEEPING_MS: '100' }

const moody = (waitMs: number) => ({
  name: 'j',
  type: 'moody',
  payload: { bad_attempts: 1 },
  attempts: 2,
  backoff: { kind: 'fixed', base_ms: waitMs, max_ms: waitMs, jitter: 0 },
})

async function eventsOf(hasty: Hasty, jobId: string): Promise<string[]> {
  const nc = await connectTest(hasty.nats.url)
  const entries = await readLog(nc)
  await nc.close()
  return entries.flatMap(({ event }) => (event?.job_id === jobId ? [event.event] : []))
}

/** @returns the id of the request's first job, once the log only knows that the job waits for another attempt */
const untilTrimmed = (hasty: Hasty, id: string): Promise<string> =>
  vi.waitFor(async () => {
    const jobId = (await view(hasty.url, id)).steps[0]?.jobs[0]?.job_id ?? ''
    expect(await eventsOf(hasty, jobId)).toEqual(['job:retrying'])
    return jobId
  }, SOON)

test('a request goes on all the same', async () => {
  await using hasty = await startInProcess({ workflows: 1, env })
  const id = await make(hasty.url, { steps: [step('s', [moody(4_000)]), step('t', [{ name: 'k', type: 'moody' }])] })
  await untilTrimmed(hasty, id)
  const seen = await untilLike(hasty.url, id, { status: 'completed' })
  expect(seen.steps[0]?.jobs[0]).toMatchObject({ status: 'completed', result: { attempt: 2 } })
})

test('a cancel at any moment can be followed by a retry, once what ran has ended', async () => {
  const quick = { ...env, SLEEP_MIN_MS: '1', SLEEP_MAX_MS: '40' }
  await using hasty = await startInProcess({ workflows: 1, env: quick })
  const url = hasty.workflow[0]?.url ?? ''
  let cancelled = 0
  for (let n = 0; n < 25; n++) {
    const ids = await Promise.all(
      [1, 2, 3, 4].map(() => make(url, { steps: [step('s', [{ name: 'j', type: 'sleep' }])] })),
    )
    for (const id of ids) {
      if ((await post(url, id, '/cancel', {})).status !== 200) continue
      cancelled++
      await expect.poll(() => post(url, id, '/retry'), { timeout: 10_000, interval: 1 }).toMatchObject({ status: 202 })
    }
  }
  expect(cancelled).toBeGreaterThan(0)
})

test('and a cancel reaches the job', async () => {
  await using hasty = await startInProcess({ workflows: 1, env })
  const id = await make(hasty.url, { steps: [step('s', [moody(60_000)])] })
  const jobId = await untilTrimmed(hasty, id)
  expect(await post(hasty.url, id, '/cancel')).toMatchObject({ status: 200 })
  await untilLike(hasty.url, id, { steps: [{ jobs: [{ status: 'cancelled' }] }] })
  const job = await fetch(`${hasty.url}/v1/jobs/${jobId}`)
  expect(await job.json()).toMatchObject({ status: 'cancelled' })
})

test('and no handler makes a job again that the log has dropped', async () => {
  await using hasty = await startInProcess({ env })
  const backoff = { kind: 'fixed', base_ms: 60_000, max_ms: 60_000, jitter: 0 }
  const payload = { makes: [{ name: 'a', type: 'moody' }], throws: 1 }
  const parentId = await makeJob(hasty, { type: 'maker', payload, backoff })
  const { children = [] } = await untilJob(hasty, parentId, { phase: 'retrying' })
  const childId = children[0]?.job_id ?? ''
  const child = await untilJob(hasty, childId, { status: 'finished' })
  await expect.poll(() => eventsOf(hasty, childId), SOON).toEqual([])
  expect(await send('PATCH', `${hasty.url}/v1/jobs/${parentId}`, { delay_ms: 0 })).toMatchObject({ status: 200 })
  expect(await untilJob(hasty, parentId, { status: 'finished' })).toMatchObject({ result: [childId], children })
  expect(await eventsOf(hasty, childId)).toEqual([])
  expect(await readJob(hasty, childId)).toEqual(child)
})
