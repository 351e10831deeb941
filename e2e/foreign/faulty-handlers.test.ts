import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { JobView } from '#shared/contracts/http/jobs.ts'
import type { MakerPayload } from '../handlers/maker.ts'
import { postTo } from '../support/call.ts'
import { type Mixed, startMixed } from '../support/hasty.ts'
import { makeJob, readJob, untilJob } from '../support/jobs.ts'
import { sumOfMetric } from '../support/metrics.ts'
import { connectTest, historiesOf, readLog } from '../support/read-log.ts'
import type { FaultyPayload } from './handlers/faulty.ts'

// One worker of two may die: the other continues. Leases are short, so that a death is noticed soon.

const undo = new AsyncDisposableStack()
let hasty: Mixed<'job'>

beforeAll(async () => {
  hasty = undo.use(
    await startMixed(['job'], {
      jobs: 2,
      workflows: 1,
      env: { LEASE_MS: '1000' },
      jobEnv: { HANDLERS_DIR: 'e2e/foreign/handlers', JOB_SLOTS: '20' },
    }),
  )
})
afterAll(() => undo.disposeAsync())

const make = (payload: FaultyPayload, more: Record<string, unknown> = {}): Promise<string> =>
  makeJob(hasty, { type: 'faulty', payload, ...more })

async function run(payload: FaultyPayload, more: Record<string, unknown> = {}): Promise<JobView> {
  return untilEnded(await make(payload, more))
}

const untilEnded = (id: string): Promise<JobView> =>
  vi.waitFor(
    async () => {
      const job = await readJob(hasty, id)
      expect(['finished', 'failed', 'cancelled']).toContain(job.status)
      return job
    },
    { timeout: 60_000, interval: 50 },
  )

const outcomesOf = ({ attempts }: JobView) => attempts.map(({ outcome }) => outcome)

test.each<[FaultyPayload['how'], Record<string, unknown>]>([
  ['a list as the message', { name: 'Error', message: 'width must be a number; height too' }],
  ['no name', { name: 'Error', message: 'the reason' }],
  ['a number as the name', { name: 'Error', message: 'the reason' }],
  ['a getter that throws', { name: 'Error', message: 'the reason' }],
  ['half a character', { message: 'a'.repeat(1_999) }],
  ['a cause', { message: 'could not save', causes: [{ name: 'Error', message: 'disk full', code: 'ENOSPC' }] }],
])('an error with %s is told, after all attempts', async (how, error) => {
  const job = await run({ how }, { attempts: 2 })
  expect(job).toMatchObject({ status: 'failed', reason: 'attempts_exhausted', error })
  expect(outcomesOf(job)).toEqual(['retrying', 'failed'])
  const listed = await fetch(`${hasty.url}/v1/jobs?status=failed&type=faulty`)
  expect(((await listed.json()) as { items: JobView[] }).items.map(({ job_id }) => job_id)).toContain(job.job_id)
})

test.each<[FaultyPayload, unknown]>([
  [{ how: 'pushes to its payload', list: [] }, [3]],
  [{ how: 'deletes from its payload', secret: 's' }, 's'],
  [{ how: 'makes its payload circular' }, 'ok'],
  [{ how: 'makes its payload grow' }, 'ok'],
])('a handler that changes its payload changes nothing of the job: %j', async (payload, result) => {
  const job = await run(payload)
  expect(job).toMatchObject({ status: 'finished', result, payload })
  expect(
    outcomesOf(job)
      .slice(0, -1)
      .every((outcome) => outcome === 'retrying'),
  ).toBe(true)
})

test('a result that is nested too deeply fails its job, and its request with it', async () => {
  expect(await run({ how: 'nested too deeply' })).toMatchObject({ status: 'failed', reason: 'result_too_deep' })
  const plan = [{ name: 'a', jobs: [{ name: 'x', type: 'faulty', payload: { how: 'nested too deeply' } }] }]
  const { body } = await postTo(`${hasty.workflow[0]!.url}/v1/requests`, { steps: plan })
  await expect
    .poll(async () => (await fetch(`${hasty.workflow[0]!.url}/v1/requests/${String(body['request_id'])}`)).json(), {
      timeout: 20_000,
    })
    .toMatchObject({ status: 'failed', error: { name: 'ResultTooDeep' } })
})

test('a promise that nobody awaits fails the attempt that left it, and ends no worker', async () => {
  const pids = hasty.job.map(({ pid }) => pid)
  const job = await run({ how: 'leaves a promise' }, { attempts: 2 })
  expect(job).toMatchObject({ status: 'failed', error: { message: 'nobody awaits this' } })
  const late = await run({ how: 'leaves a promise for later' })
  expect(late).toMatchObject({ status: 'finished', result: 'done' })
  await expect
    .poll(async () => (await Promise.all(hasty.job.map((one) => one.logs()))).flat(), { timeout: 20_000 })
    .toContainEqual(
      expect.objectContaining({
        err: expect.objectContaining({ message: 'after the end' }) as unknown,
        of: [expect.objectContaining({ job_id: late.job_id, type: 'faulty' })],
      }),
    )
  expect(await sumOfMetric(hasty.job, 'hasty_unhandled_rejections_total')).toBe(3)
  expect(hasty.job.map(({ pid, running }) => [pid, running])).toEqual(pids.map((pid) => [pid, true]))
})

test('what throws where nobody can catch it ends the worker: its job alone is blamed, the others get their attempt back', async () => {
  const [victim, other] = hasty.job
  // One worker, so that both are in the same process.
  other!.kill('SIGTERM')
  await other!.exited()
  const neighbours = await Promise.all([1, 2, 3].map(() => make({ how: 'waits', ms: 4_000 })))
  for (const id of neighbours) await untilJob(hasty, id, { phase: 'running' })
  const culprit = await make({ how: 'throws in a timer' })
  expect(await victim!.exited()).toMatchObject({ code: 1 })
  await victim!.restart()
  await other!.restart()
  const job = await untilEnded(culprit)
  expect(job).toMatchObject({ status: 'failed', reason: 'crashed' })
  expect(job.error?.message).toContain('in a timer')
  expect(job.attempts[0]).toMatchObject({ outcome: 'crashed', error: { message: 'in a timer' } })
  // The job runs alone after the first death: no other worker dies of it.
  expect(hasty.job.every(({ running }) => running)).toBe(true)
  for (const id of neighbours) {
    const neighbour = await untilEnded(id)
    expect(neighbour).toMatchObject({ status: 'finished', result: 'waited' })
    expect(neighbour.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'released'],
      [1, 'finished'],
    ])
  }
})

test('a listener of the signal that throws is the job’s own fault', async () => {
  const id = await make({ how: 'throws when it is told to stop' }, { timeout_ms: 500 })
  expect(await untilEnded(id)).toMatchObject({ status: 'cancelled', reason: 'timeout' })
  const died = await Promise.race(hasty.job.map(async (one) => ({ one, end: await one.exited() })))
  expect(died.end).toMatchObject({ code: 1 })
  await died.one.restart()
})

test.each<[FaultyPayload['how'], string[]]>([
  ['a list as the progress', ['crashed', 'finished']],
  ['a number as the progress, isolated', ['crashed', 'finished']],
])('a worker that dies after %s costs its job one attempt', async (how, outcomes) => {
  const id = await make({ how })
  const died = await Promise.race(hasty.job.map(async (one) => ({ one, end: await one.exited() })))
  await died.one.restart()
  const job = await untilEnded(id)
  expect(outcomesOf(job)).toEqual(outcomes)
  expect(job).toMatchObject({ status: 'finished', result: 2 })
})

test('a handler makes each of its jobs once, though kill -9 ends first its worker and then its own process', async () => {
  const work = { type: 'faulty', payload: { how: 'waits', ms: 1 } }
  const payload: MakerPayload = { makes: ['a', 'b'].map((name) => ({ name, ...work })), dies: 2, throws: 1 }
  const parentId = await makeJob(hasty, { type: 'maker', payload })
  const died = await Promise.race(hasty.job.map(async (one) => ({ one, end: await one.exited() })))
  expect(died.end).toEqual({ code: null, signal: 'SIGKILL' })
  await died.one.restart()
  const parent = await untilEnded(parentId)
  expect(outcomesOf(parent)).toEqual(['crashed', 'crashed', 'retrying', 'finished'])
  const { children = [], result } = parent
  expect(children).toMatchObject([
    { name: 'a', type: 'faulty' },
    { name: 'b', type: 'faulty' },
  ])
  expect(result).toEqual(children.map(({ job_id }) => job_id))
  for (const { job_id: id } of children)
    expect(await untilEnded(id)).toMatchObject({ status: 'finished', parent_job_id: parentId })
  const nc = await connectTest(hasty.nats.url)
  const log = await readLog(nc).finally(() => nc.close())
  const histories = [...historiesOf(log).values()].flat().map(({ event }) => event)
  const made = histories.filter((event) => event.event === 'job:created' && event.parent_job_id === parentId)
  expect(made.map(({ object_id }) => object_id).toSorted()).toEqual([`child:${parentId}:a`, `child:${parentId}:b`])
})
