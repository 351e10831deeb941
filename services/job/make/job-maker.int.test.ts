import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRegistry } from '#shared/process/metrics.ts'
import { systemClock } from '#shared/time/clock.ts'
import { silentLog, startTestBus, type TestBus } from '../../../e2e/support/bus.ts'
import { readJobConfig } from '../config.ts'
import { createJobMetrics } from '../metrics.ts'
import type { JobRun } from '../run/job-run.ts'
import { JobMaker } from './job-maker.ts'
import { MadeJobs } from './made-jobs.ts'
import type { MakeRequest } from './make-request.ts'

const PARENT = '01k9zzzzzAAAAAAAAAAAAAAAA'
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

let bus: TestBus
const undo = new AsyncDisposableStack()
beforeAll(async () => {
  bus = undo.use(await startTestBus())
})
afterAll(() => undo.disposeAsync())

/** What makes jobs in one worker. */
function makerOf(env: Record<string, string> = {}): JobMaker {
  const { created } = createJobMetrics(createRegistry('test'))
  const maker = new JobMaker({
    ...bus,
    clock: systemClock,
    config: readJobConfig(env),
    log: silentLog,
    created,
    tracing: null,
  })
  undo.defer(() => maker.stop())
  return maker
}

const runOf = (isAsked = false): JobRun =>
  ({
    spec: { job_id: PARENT, tenant: 'acme' },
    hold: { isAsked },
    made: new MadeJobs([]),
    attemptTraceparent: TRACEPARENT,
  }) as unknown as JobRun

const request = (name: string, body: Partial<MakeRequest['body']> = {}): MakeRequest => ({
  name,
  body: { object_id: 'o', type: 'sleep', priority: 'normal', ...body },
})

test('of many tries of several workers for one name one makes the job, in the tenant and the trace of its parent', async () => {
  const makers = [makerOf(), makerOf()]
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      // Another priority is another address: the name decides, and not the address.
      makers[n % 2]!.make(runOf(), request('one', { priority: n < 10 ? 'high' : 'low' })),
    ),
  )
  const [id = ''] = new Set(made)
  expect(new Set(made).size).toBe(1)
  expect([...(await bus.stream.countBySubject(`*.*.*.${id}`)).values()]).toEqual([1])
  const message = await bus.stream.lastOf(`*.*.*.${id}`)
  expect(message?.headers.get('traceparent')).toBe(TRACEPARENT)
  expect(JSON.parse(message?.body ?? '')).toMatchObject({
    event: 'job:created',
    job_id: id,
    parent_job_id: PARENT,
    tenant: 'acme',
    trace_id: TRACEPARENT.split('-')[1],
  })
  expect(await makers[0]!.make(runOf(), request('two', { delay_ms: 60_000 }))).not.toBe(id)
})

test.each<[string, MakeRequest, string]>([
  ['an unknown type', request('a', { type: 'nobody' }), 'create("a", "nobody"): There is no job type "nobody".'],
  ['more attempts than a type allows', request('d', { attempts: 101 }), 'attempts must be at most 100'],
  ['a callback where there are none', request('e', { callback_url: 'https://x.example' }), 'callbacks are disabled'],
])('%s is refused for good', async (_, wanted, message) => {
  const error: unknown = await makerOf({ CALLBACKS: 'false' })
    .make(runOf(), wanted)
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'PermanentError', message: expect.stringContaining(message) as string })
})

test('beyond the limits of the log nothing is made, and it may be tried again', async () => {
  await expect(makerOf({ LOG_MAX_BYTES: '1' }).make(runOf(), request('f'))).rejects.toMatchObject({
    code: 'unavailable',
  })
})

test('an attempt that was told to stop makes nothing', async () => {
  await expect(makerOf().make(runOf(true), request('g'))).rejects.toThrow('told to stop')
})
