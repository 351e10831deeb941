// Whatever is killed at whatever moment: each job of each step completes once, steps keep their order, and the extras
// are those of a run that nobody disturbed. HASTY_KILLS and HASTY_REQUESTS make it as long as wanted.
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { RequestView } from '#shared/contracts/request.ts'
import { getFrom, postTo } from '../support/call.ts'
import { type Hasty, startHasty } from '../support/hasty.ts'
import { endsOfJobs, killOne } from './kills.ts'

const KILLS = Number(process.env['HASTY_KILLS'] ?? 8)
const REQUESTS = Number(process.env['HASTY_REQUESTS'] ?? 40)
const HANDLERS_DIR = join(import.meta.dirname, '../handlers')
const STEPS = ['first', 'second', 'third']
const JOBS = ['a', 'b', 'c', 'd']

const steps = STEPS.map((step) => ({
  name: step,
  jobs: JOBS.map((job, n) => ({ name: job, type: 'mark', payload: { name: `${step}-${job}`, ms: 5 * n } })),
}))
const UNDISTURBED = Object.fromEntries(STEPS.flatMap((step) => JOBS.map((job) => [`${step}-${job}`, `${step}-${job}`])))

test.each([2, 5])('%d replicas of the workflow service, killed with jobs and broker', async (workflows) => {
  await using hasty = await startHasty({
    apis: 1,
    jobs: 2,
    workflows,
    nginx: true,
    env: { HANDLERS_DIR, LEASE_MS: '1000', JOB_SLOTS: '20' },
  })
  const ids: string[] = []
  const sending = sendAll(hasty, ids)
  for (let n = 0; n < KILLS; n++) await killOne(hasty)
  await sending
  expect(ids).toHaveLength(REQUESTS)
  const requests = await Promise.all(ids.map((id) => untilEnded(hasty, id)))
  for (const request of requests) expectUndisturbed(request)
  const ends = await endsOfJobs(hasty)
  expect(ends.size).toBe(REQUESTS * STEPS.length * JOBS.length)
  expect([...ends.values()].filter((count) => count !== 1)).toEqual([])
})

async function sendAll(hasty: Hasty, ids: string[]): Promise<void> {
  for (let n = 0; n < REQUESTS; n++) {
    // A repeat under the same key meets what the first try made.
    const id = await vi.waitFor(
      async () => {
        const answer = await postTo(`${hasty.url}/v1/requests`, { steps }, { 'idempotency-key': `request-${n}` })
        expect(answer.status).toBe(201)
        return answer.body['request_id'] as string
      },
      { timeout: 60_000, interval: 200 },
    )
    ids.push(id)
  }
}

const untilEnded = (hasty: Hasty, id: string): Promise<RequestView> =>
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
