import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { postTo, send } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { makeJob, untilJob } from '../support/jobs.ts'
import { sumOfMetric } from '../support/metrics.ts'

let hasty: Mixed<'job'>
beforeAll(async () => {
  hasty = await startMixed(['job'])
})
afterAll(() => hasty.stop())

const linesAbout = async (jobId: string): Promise<string[]> => {
  const lines = (await hasty.job[0]?.logs()) ?? []
  return lines.map(({ msg = '' }) => msg).filter((msg) => msg.startsWith(`found task ${jobId} `))
}

test.each([
  ['any JSON', { data: { to: ['a', 1, null] } }, '{"to":["a",1,null]}'],
  ['nothing', undefined, 'null'],
  ['more than a line holds', { data: 'x'.repeat(1_000), ms: 0 }, `"${'x'.repeat(499)}…`],
])('a task with %s as its data is found, told in one line, and gives it back', async (_, payload, told) => {
  const jobId = await makeJob(hasty, { type: 'task', payload })
  const job = await untilJob(hasty, jobId, { status: 'finished', result: { data: payload?.data ?? null } })
  const line = `found task ${jobId} created at ${job.created_at} with data ${told}`
  await vi.waitFor(async () => expect(await linesAbout(jobId)).toEqual([line]), { timeout: 10_000 })
})

test('without `ms` it works for 100 to 1,000 ms', async () => {
  const jobId = await makeJob(hasty, { type: 'task', payload: {} })
  const { attempts } = await untilJob(hasty, jobId, { status: 'finished' })
  const [first] = attempts
  const ms = Date.parse(first?.ended_at ?? '') - Date.parse(first?.started_at ?? '')
  expect(ms).toBeGreaterThanOrEqual(95)
  expect(ms).toBeLessThan(3_000)
})

test('a cancel ends its work', async () => {
  const jobId = await makeJob(hasty, { type: 'task', payload: { ms: 60_000 } })
  await vi.waitFor(async () => expect(await linesAbout(jobId)).toHaveLength(1), { timeout: 10_000 })
  await send('POST', `${hasty.url}/v1/jobs/${jobId}/cancel`)
  const inFlight = () => sumOfMetric(hasty.job, 'hasty_jobs_in_flight')
  await vi.waitFor(async () => expect(await inFlight()).toBe(0), { timeout: 10_000 })
})

test.each([
  [{ ms: -1 }, 'invalid-payload'],
  [{ ms: 60_001 }, 'invalid-payload'],
  [{ ms: 1.5 }, 'invalid-payload'],
  [{ ms: '5' }, 'invalid-payload'],
  [{ dat: 1 }, 'unknown-member'],
])('%j is refused', async (payload, code) => {
  const { status, body } = await postTo(`${hasty.url}/v1/jobs`, { object_id: 'o', type: 'task', payload })
  expect({ status, code: body['code'] }).toEqual({ status: 400, code })
})
