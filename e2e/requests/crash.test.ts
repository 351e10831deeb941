// Any process may be killed at any moment: each job of each step completes once, steps keep their order, and the extras
// are those of an undisturbed run. HASTY_KILLS and HASTY_REQUESTS set its length. Some requests are started before each
// kill: started all at once they would be done after the first one.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/http/requests.ts'
import { getFrom, postTo } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { endsOfJobs, killOne } from './kills.ts'

const KILLS = Number(process.env['HASTY_KILLS'] ?? 8)
/** Time limit of a test with two rounds of kills. */
const TIMEOUT_MS = 120_000 + KILLS * 10_000
const REQUESTS = Number(process.env['HASTY_REQUESTS'] ?? 40)
const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const STEPS = ['first', 'second', 'third']
const JOBS = ['a', 'b', 'c', 'd']

const steps = STEPS.map((step) => ({
  name: step,
  jobs: JOBS.map((job, n) => ({ name: job, type: 'mark', payload: { name: `${step}-${job}`, ms: 5 * n } })),
}))
const REQUESTS_A_KILL = Math.ceil(REQUESTS / KILLS)
/** Events of a job: created, started and finished. */
const EVENTS_A_KILL = REQUESTS_A_KILL * STEPS.length * JOBS.length * 3
const UNDISTURBED = Object.fromEntries(STEPS.flatMap((step) => JOBS.map((job) => [`${step}-${job}`, `${step}-${job}`])))

test('two replicas of the workflow service, and then five, killed with jobs and broker', {
  timeout: TIMEOUT_MS,
}, async () => {
  await using hasty = await startMixed(['workflow', 'job'], {
    apis: 1,
    jobs: 2,
    workflows: 2,
    nginx: true,
    env: { HANDLERS_DIR, LEASE_MS: '1000', JOB_SLOTS: '20' },
  })
  const ids = await runAndKill(hasty)
  await Promise.all([1, 2, 3].map(() => hasty.addWorkflow()))
  expect(hasty.workflow).toHaveLength(5)
  ids.push(...(await runAndKill(hasty)))
  expect(new Set(ids).size).toBe(2 * KILLS * REQUESTS_A_KILL)
  const ends = await endsOfJobs(hasty)
  expect(ends.size).toBe(ids.length * STEPS.length * JOBS.length)
  expect([...ends.values()].filter((count) => count !== 1)).toEqual([])
})

/** @returns the ids of the requests, all of them ended */
async function runAndKill(hasty: Mixed<'workflow' | 'job'>): Promise<string[]> {
  const running: Promise<RequestView>[] = []
  for (let n = 0; n < KILLS; n++) {
    running.push(...Array.from({ length: REQUESTS_A_KILL }, () => runOne(hasty)))
    await killOne(hasty, EVENTS_A_KILL)
  }
  const requests = await Promise.all(running)
  for (const request of requests) expectUndisturbed(request)
  return requests.map(({ request_id: id }) => id)
}

async function runOne(hasty: Mixed<'workflow' | 'job'>): Promise<RequestView> {
  // A repeat under the same key meets what the first try made.
  const key = { 'idempotency-key': crypto.randomUUID() }
  const id = await vi.waitFor(
    async () => {
      const answer = await postTo(`${hasty.url}/v1/requests`, { steps }, key)
      expect(answer.status).toBe(201)
      return answer.body['request_id'] as string
    },
    { timeout: 60_000, interval: 200 },
  )
  return untilEnded(hasty, id)
}

const untilEnded = (hasty: Mixed<'workflow' | 'job'>, id: string): Promise<RequestView> =>
  vi.waitFor(
    async () => {
      const { body } = await getFrom(`${hasty.url}/v1/requests/${id}`)
      expect(body['status']).toMatch(/completed|failed|cancelled/)
      return body as unknown as RequestView
    },
    { timeout: 120_000, interval: 250 },
  )

function expectUndisturbed(request: RequestView): void {
  expect(request).toMatchObject({ status: 'completed', extras: UNDISTURBED, round: 1 })
  let before = ''
  for (const [n, step] of request.steps.entries()) {
    expect(step).toMatchObject({ name: STEPS[n], status: 'completed' })
    expect(step.jobs.map(({ name, status }) => [name, status])).toEqual(JOBS.map((name) => [name, 'completed']))
    for (const job of step.jobs) {
      expect(job.attempts.filter(({ status }) => status === 'completed')).toHaveLength(1)
      expect(job.attempts.at(-1)?.status).toBe('completed')
    }
    expect((step.started_at ?? '') >= before).toBe(true)
    before =
      step.jobs
        .map(({ ended_at }) => ended_at ?? '')
        .toSorted()
        .at(-1) ?? ''
    expect((step.ended_at ?? '') >= before).toBe(true)
  }
}
