// Requests that grow as large as there is room, at a real broker.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Records } from '#shared/bus/records.ts'
import { planSchema } from '#shared/contracts/http/requests.ts'
import { newJobId } from '#shared/ids/ids.ts'
import type { TaskAddress } from '#shared/ids/task-address.ts'
import { createRegistry } from '#shared/process/metrics.ts'
import { systemClock } from '#shared/time/clock.ts'
import { startTestBus, type TestBus } from '../../../e2e/support/bus.ts'
import type { Input } from '../decide/decide.ts'
import type { TaskEnd } from '../decide/end-task.ts'
import { newRecord } from '../decide/new-record.ts'
import { allTasks, isRunning, type Json, type RequestRecord } from '../decide/record.ts'
import { createWorkflowMetrics } from '../metrics.ts'
import { changeRequest, createChangeQueue } from './change-request.ts'
import { REQUEST_RECORDS, RequestRecords } from './request-records.ts'

const KIB = 1024
/** The broker's message limit in these tests: small, because that is quicker. */
const ROOM = 256 * KIB

const { ended } = createWorkflowMetrics(createRegistry('workflow'))

let bus: TestBus
let recordsAtBroker: Records<RequestRecord | null, string>
beforeAll(async () => {
  bus = await startTestBus()
  recordsAtBroker = new Records(REQUEST_RECORDS, { broker: bus.broker, clock: systemClock })
})
afterAll(async () => {
  recordsAtBroker.close()
  await bus[Symbol.asyncDispose]()
})

/** A request that was picked up. */
async function begin(steps: unknown[], values: { params?: Json; extras?: Json } = {}) {
  const requestId = newJobId(systemClock.now())
  const about = { requestId, tenant: null, name: null, definition: null, params: {}, extras: {}, ...values }
  const depsOf = (bytes: number) => ({
    records: new RequestRecords(recordsAtBroker, bytes),
    clock: systemClock,
    changes: createChangeQueue(),
    advancesImmediately: true,
    ended,
    tracing: null,
  })
  const deps = depsOf(ROOM)
  await deps.records.write(newRecord({ ...about, plan: planSchema.parse(steps) }, systemClock.now()), 0)
  const change = async (...inputs: Input[]): Promise<RequestRecord> => {
    await Promise.all(inputs.map((input) => changeRequest(deps, requestId, input)))
    return read()
  }
  const changeWithin = (bytes: number, input: Input) => changeRequest(depsOf(bytes), requestId, input)
  const read = async () => {
    const stored = await new RequestRecords(recordsAtBroker, ROOM).read(requestId)
    if (stored === null) throw new Error('it is not there')
    return stored.record
  }
  return { record: await change({ kind: 'pick-up' }), change, changeWithin, read }
}

const endOf = (task: TaskAddress, end: Partial<TaskEnd> = {}): Input => ({
  kind: 'task-ended',
  task,
  end: { status: 'completed', attempts: [], result: null, error: null, at: '2027-01-01T12:00:00.000Z', ...end },
})
const running = (record: RequestRecord): TaskAddress[] =>
  record.steps.flatMap(({ tasks }, step) => tasks.filter(isRunning).map(({ key, round }) => ({ step, key, round })))
const text = (kib: number) => 'x'.repeat(kib * KIB)
const error = { name: 'Error', message: text(2) }
const failedTries = [1, 2, 3].map((attempt) => ({
  attempt,
  status: 'failure' as const,
  started_at: '',
  ended_at: '',
  error,
}))
const retry: Input = { kind: 'retry', appliedAs: null }
const refused = expect.objectContaining({ code: 'payload-too-large' }) as unknown

test('the end of a job that leaves no room for the next step counts, and the request fails', async () => {
  const step = (_: unknown, n: number) => ({ name: `s${n}`, jobs: [{ name: 'a', type: 'add' }] })
  const { record, change, changeWithin, read } = await begin(Array.from({ length: 9 }, step), {
    extras: { big: text(40) },
  })
  let now = record
  for (let n = 0; now.status === 'inprogress'; n++) now = await change(endOf({ step: n, key: 'a', round: 1 }))
  expect(now).toMatchObject({ status: 'failed', error: { code: 'request-too-large' } })
  expect(now.steps[now.at_step]).toMatchObject({ status: 'cancelled', tasks: [{ status: 'completed' }] })
  expect(allTasks(now).filter(isRunning)).toEqual([])
  await expect(change(retry)).rejects.toEqual(refused)
  expect(await read()).toEqual(now)
  // The broker was told to take more.
  const again = await changeWithin(4 * ROOM, retry)
  expect(again?.record).toMatchObject({ status: 'inprogress', round: 2, at_step: now.at_step + 1 })
})

test('of jobs that run when there is no room any more every end counts, however large', async () => {
  const items = Array.from({ length: 300 }, (_, n) => n)
  const steps = [{ name: 'all', jobs: [{ name: 'a', type: 'add', foreach: '/params/items' }] }]
  const { record, change } = await begin(steps, { params: { items } })
  const addresses = running(record)
  expect(addresses).toHaveLength(300)
  const ends = addresses.map((task, n) => {
    if (n % 3 === 0) return endOf(task, { status: 'failure', attempts: failedTries, error })
    return endOf(task, { result: n % 3 === 1 ? text(2) : { extras: { [`member-${n}`]: n } } })
  })
  let now = record
  while (ends.length > 0) now = await change(...ends.splice(0, 7))
  expect(now).toMatchObject({ status: 'failed', error: { code: 'request-too-large' } })
  const tasks = allTasks(now)
  expect(tasks.filter(isRunning)).toEqual([])
  expect(tasks.filter((task) => task.cancelling)).toEqual([])
  const last = tasks.slice(-3)
  expect(last).toMatchObject([
    { status: 'failure', attempts: [], error: { message: expect.stringContaining('Read it at the job') as string } },
    { status: 'completed', result: null, result_omitted: true, error: null },
    // Counted as completed it would be passed over by a retry, and what it returned lost.
    { status: 'failure', error: { message: expect.stringContaining('extras') as string } },
  ])
  expect(Buffer.byteLength(JSON.stringify(now))).toBeLessThan(ROOM)
})

test('a signal without room is refused, and keeps nothing that comes with it from being stored', async () => {
  const steps = [
    { name: 'one', jobs: ['a', 'b'].map((name) => ({ name, type: 'add' })) },
    { name: 'two', signal: 'go' },
    { name: 'three', signal: 'go' },
  ]
  const { record, change, changeWithin, read } = await begin(steps, { extras: { big: text(40) } })
  const signal: Input = { kind: 'signal', name: 'go', appliedAs: null, extras: { more: text(20) } }
  const [a, b] = running(record).map((task) => endOf(task))
  if (a === undefined || b === undefined) throw new Error('nothing runs')
  // The first one goes alone, and the others together after it.
  await expect(change(a, signal, b)).rejects.toEqual(refused)
  const now = await read()
  expect(now).toMatchObject({ status: 'inprogress', at_step: 1, signals: [], extras: record.extras })
  await expect(change(signal)).rejects.toEqual(refused)
  expect(await read()).toEqual(now)
  const done = await changeWithin(4 * ROOM, signal)
  expect(done?.record).toMatchObject({ status: 'completed', signals: ['go'] })
})

test('a cancel finds room also where only the ends of what runs have any', async () => {
  const items = Array.from({ length: 300 }, (_, n) => n)
  const steps = [{ name: 'all', jobs: [{ name: 'a', type: 'add', foreach: '/params/items' }] }]
  const { record, changeWithin } = await begin(steps, { params: { items } })
  const tight = Buffer.byteLength(JSON.stringify(record)) + (300 * 256 + 12 * KIB)
  const cancel: Input = { kind: 'cancel', reason: 'x'.repeat(1_000), appliedAs: null }
  const cancelled = await changeWithin(tight, cancel)
  expect(cancelled?.record).toMatchObject({ status: 'cancelled', error: { name: 'Cancelled' } })
})
