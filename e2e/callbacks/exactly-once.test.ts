import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LoggedMessage } from '#shared/bus/read-event.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import { newJobId } from '#shared/ids/ids.ts'
import type { JobStore } from '#shared/stores/jobs/job-store.ts'
import { openSqliteStore } from '#shared/stores/jobs/sqlite/sqlite-jobs.ts'
import { systemClock } from '#shared/time/clock.ts'
import { applyBatch } from '../../services/keeper/project-events/apply-batch.ts'
import { sendCallbacks } from '../../services/keeper/send-callbacks/send-callbacks.ts'
import { silentLog, startTestBus, type TestBus } from '../support/bus.ts'
import { connectTest, readLog } from '../support/read-log.ts'

// A batch is stored before its callbacks are created: after a crash in between, it is applied again with other
// boundaries.

const undo = new AsyncDisposableStack()
let bus: TestBus
let store: JobStore

beforeAll(async () => {
  bus = undo.use(await startTestBus())
  const dir = await mkdtemp(join(tmpdir(), 'hasty-callbacks-'))
  undo.defer(() => rm(dir, { recursive: true, force: true }))
  store = await openSqliteStore(join(dir, 'jobs.db'))
  undo.defer(() => store.close())
})

afterAll(() => undo.disposeAsync())

/** A job that fails in round 1, is cancelled in round 2 and finishes in round 3. */
function threeRounds(): { jobId: string; messages: LoggedMessage[] } {
  const jobId = newJobId(systemClock.now())
  const about = { job_id: jobId, object_id: 'o', type: 'sleep' }
  const spec = {
    ...about,
    priority: 'normal' as const,
    created_at: new Date(0).toISOString(),
    timeout_ms: 1_000,
    max_attempts: 9,
    backoff: DEFAULT_POLICY.backoff,
    callback_url: 'http://www.example.com/',
    crashes: 0,
  }
  const error = { name: 'E', message: 'first' }
  const run = { worker_id: 'w', trigger: 1, crashes: 0, isolated: false }
  const events: Record<string, unknown>[] = [
    { event: 'job:created', ...spec, round: 1, attempt: 1 },
    { event: 'job:started', ...about, ...run, attempt: 1 },
    { event: 'job:failed', ...about, reason: 'permanent', attempt: 1, worker_id: 'w', error },
    { event: 'job:created', ...spec, round: 2, attempt: 2, follows: 3 },
    { event: 'job:cancelled', ...about, reason: 'requested' },
    { event: 'job:scheduled', ...spec, round: 3, attempt: 3, due_at: new Date(9).toISOString(), follows: 5 },
    { event: 'job:started', ...about, ...run, attempt: 3 },
    { event: 'job:finished', ...about, attempt: 3, worker_id: 'w', result: { n: 1 } },
  ]
  const messages = events.map((event, i) => ({
    subject: `${String(event['event'])}.sleep.normal.${jobId}`,
    seq: i + 1,
    body: JSON.stringify({ ...event, at: new Date(1_000 + i).toISOString() } satisfies Record<string, unknown>),
  }))
  return { jobId, messages }
}

/** @returns the ends that callbacks are sent for */
async function apply(messages: LoggedMessage[]) {
  const onUnreadable = (seq: number) => expect.fail(`${seq} is unreadable`)
  return (await applyBatch({ store, onUnreadable }, { generation: 1, log_generation: 1 }, messages)).ends
}

const callbacksOf = async (jobId: string): Promise<JobEvent[]> => {
  const nc = await connectTest(bus.nats.url)
  const log = await readLog(nc)
  await nc.close()
  const own = log.filter(({ event }) => event?.object_id.startsWith(`callback:${jobId}:`))
  return own.map(({ event }) => event).filter((event) => event !== null)
}

const PAYLOADS = [
  {
    event: 'job:failed',
    body: { type: 'job.failed', data: { status: 'failed', round: 1, reason: 'permanent', result: null } },
  },
  {
    event: 'job:cancelled',
    body: { type: 'job.cancelled', data: { status: 'cancelled', round: 2, reason: 'requested', error: null } },
  },
  {
    event: 'job:finished',
    body: { type: 'job.finished', data: { status: 'finished', round: 3, reason: null, result: { n: 1 } } },
  },
]

test.each([
  ['one by one', [1, 2, 3, 4, 5, 6, 7]],
  ['in halves', [4]],
  ['whole', []],
  ['from the middle of a round', [2, 5]],
])('a stored history applied again %s makes one callback job for each round', async (_, cuts) => {
  const { jobId, messages } = threeRounds()
  const deps = { history: bus.history, tracing: null, clock: systemClock, log: silentLog }
  await apply(messages)
  expect(await callbacksOf(jobId)).toEqual([])
  const edges = [0, ...cuts, messages.length]
  for (let time = 0; time < 2; time++) {
    for (const [i, from] of edges.slice(0, -1).entries()) {
      await sendCallbacks(deps, await apply(messages.slice(from, edges[i + 1])))
    }
  }
  const callbacks = await callbacksOf(jobId)
  expect(callbacks.map(({ object_id }) => object_id)).toEqual([1, 2, 3].map((round) => `callback:${jobId}:${round}`))
  for (const [i, payload] of PAYLOADS.entries()) expect(callbacks[i]).toMatchObject({ payload })
})

test('two replicas that apply the same at once make one callback job for each round', async () => {
  const { jobId, messages } = threeRounds()
  const deps = { history: bus.history, tracing: null, clock: systemClock, log: silentLog }
  const both = await Promise.all([apply(messages), apply(messages.slice(0, 3))])
  await Promise.all(both.map((ends) => sendCallbacks(deps, ends)))
  expect(await callbacksOf(jobId)).toHaveLength(3)
})

test('what does not fit is left out of the webhook, the result first', async () => {
  const deps = { history: bus.history, tracing: null, clock: systemClock, log: silentLog }
  const { jobId, messages } = threeRounds()
  const finish = JSON.parse(messages[7]?.body ?? '') as Record<string, unknown>
  const large = {
    subject: messages[7]?.subject ?? '',
    seq: 8,
    body: JSON.stringify({ ...finish, result: 'r'.repeat(30_000) }),
  }
  await sendCallbacks(deps, await apply([...messages.slice(0, 7), large]))
  const [, , last] = await callbacksOf(jobId)
  const { body } = (last as unknown as { payload: { body: { data: Record<string, unknown> } } }).payload
  expect(body.data).toMatchObject({
    status: 'finished',
    result_omitted: true,
    attempts: [{ attempt: 1 }, { attempt: 3 }],
  })
  expect(body.data).not.toHaveProperty('result')
})
