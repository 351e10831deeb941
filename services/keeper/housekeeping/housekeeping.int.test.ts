import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { JobHistory } from '#shared/bus/job-history.ts'
import { listLanes } from '#shared/bus/lanes/lanes.ts'
import type { Publication } from '#shared/bus/publication.ts'
import { ConsumerPuller, type Delivery } from '#shared/bus/puller.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import { DEFAULT_POLICY } from '#shared/contracts/log/job-type.ts'
import {
  dueSubject,
  eventSubject,
  historyFilter,
  JOB_ENDS,
  JOBS_STREAM,
  type JobAddress,
  laneName,
  timerSubject,
} from '#shared/contracts/log/subjects.ts'
import { newNonce } from '#shared/ids/ids.ts'
import { objectIdOf, taskJobId } from '#shared/ids/task-address.ts'
import { counter, createRegistry } from '#shared/process/metrics.ts'
import { openSqliteStore } from '#shared/stores/jobs/sqlite/sqlite-jobs.ts'
import { type Clock, DAY, HOUR, isoTime, MINUTE, SECOND, systemClock } from '#shared/time/clock.ts'
import { armTimers } from '../../../e2e/support/arm-timers.ts'
import {
  createdPublication,
  endPublication,
  newAddress,
  silentLog,
  startTestBus,
  type TestBus,
} from '../../../e2e/support/bus.ts'
import { applyBatch } from '../project-events/apply-batch.ts'
import { createHousekeeper } from './housekeeper.ts'
import { firstSeqAfter, type TrimDeps, trimLog } from './trim-log.ts'
import { UndeliveredEnds } from './undelivered-ends.ts'
import { type WakeDeps, wakeStuckJobs } from './wake-stuck-jobs.ts'

const SOON = { deadlineMs: 10_000 }

/** The wall clock moved forward; durations stay. */
const laterBy = (ms: number): Clock => ({ now: () => systemClock.now() + ms, monotonic: () => systemClock.monotonic() })

async function setup() {
  await using undo = new AsyncDisposableStack()
  const bus = undo.use(await startTestBus({ cooldownMs: 1_000 }))
  const dir = await mkdtemp(join(tmpdir(), 'hasty-house-'))
  undo.defer(() => rm(dir, { recursive: true, force: true }))
  const store = await openSqliteStore(join(dir, 'jobs.sqlite'))
  undo.defer(() => store.close())
  const woken = counter(createRegistry('test'), 'woken', 'woken')
  const historyOf = (clock: Clock) => new JobHistory({ stream: bus.stream, publisher: bus.publisher, clock })
  const wake = (clock: Clock): WakeDeps => ({
    store,
    stream: bus.stream,
    history: historyOf(clock),
    listLanes: () => listLanes(bus.broker),
    clock,
    leaseMs: 2_000,
    woken,
    log: silentLog,
  })
  const unheard = new UndeliveredEnds(bus)
  const trim = (clock: Clock, checkpointSeq: number): TrimDeps => ({
    store,
    stream: bus.stream,
    history: historyOf(clock),
    listLanes: () => listLanes(bus.broker),
    neededByRequests: (state) => unheard.firstNeeded(state),
    checkpointSeq: () => checkpointSeq,
    clock,
    logRetentionMs: HOUR,
    cooldownMs: 1_000,
    isClockTrusted: () => true,
    maxJobs: 1_000_000,
    maxBytes: 1e12,
    log: silentLog,
  })
  /** Applies events as the projection would. */
  const project = async (job: JobAddress) => {
    const messages = (await bus.history.all(job)).map(({ seq, event }) => ({
      // An unreadable event has no name of its own.
      subject: eventSubject(event.event === 'unreadable' ? 'job:progress' : event.event, job),
      seq,
      body: event.event === 'unreadable' ? '' : JSON.stringify(event),
    }))
    await applyBatch({ store, onUnreadable: () => undefined }, { generation: 1, log_generation: 1 }, messages)
  }
  const wokenCount = async () => (await woken.get()).values[0]?.value ?? 0
  const stack = undo.move()
  return { bus, store, wake, trim, project, wokenCount, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

type House = Awaited<ReturnType<typeof setup>>

/** Takes everything off the normal lane and acks it, as if its worker had lost it. */
async function ackLane(bus: TestBus): Promise<void> {
  const puller = new ConsumerPuller(bus.broker)
  const onDelivery = (delivery: Delivery) => puller.ack(delivery)
  await puller.pull({ consumer: laneName('sleep', 'normal'), batch: 1_000, waitMs: 0, onDelivery })
  await expect
    .poll(async () => (await listLanes(bus.broker)).every(({ ackPending }) => ackPending === 0), { timeout: 20_000 })
    .toBe(true)
  puller.close()
}

async function create(bus: TestBus): Promise<{ job: JobAddress; seq: number }> {
  const job = newAddress()
  const result = await bus.publisher.publish(createdPublication(job), SOON)
  if (result.kind !== 'stored') throw new Error('not stored')
  return { job, seq: result.seq }
}

test('a job that no lane will deliver again gets a fresh trigger, once, and only after its time is over', async () => {
  await using house = await setup()
  const { job } = await create(house.bus)
  await house.project(job)
  await ackLane(house.bus)

  await wakeStuckJobs(house.wake(laterBy(30 * SECOND)))
  expect(await house.bus.history.all(job)).toHaveLength(1)

  await wakeStuckJobs(house.wake(laterBy(5 * MINUTE)))
  await wakeStuckJobs(house.wake(laterBy(5 * MINUTE)))
  const events = await house.bus.history.all(job)
  expect(events.map(({ event }) => event.event)).toEqual(['job:created', 'job:created'])
  expect(events[1]?.event).toMatchObject({ attempt: 1, crashes: 0, round: 1 })
  expect(await house.wokenCount()).toBe(1)
})

test('a job that waits in its lane is left alone, however old', async () => {
  await using house = await setup()
  const { job } = await create(house.bus)
  await house.project(job)
  await wakeStuckJobs(house.wake(laterBy(5 * HOUR)))
  expect(await house.bus.history.all(job)).toHaveLength(1)
  expect(await house.wokenCount()).toBe(0)
})

/** A job whose first attempt failed, with nothing left on its lane. @returns the sequence of its `job:retrying` */
async function createRetrying(house: House, dueAtMs: number): Promise<{ job: JobAddress; seq: number }> {
  const { job, seq } = await create(house.bus)
  await ackLane(house.bus)
  const now = isoTime(systemClock.now())
  const retrying: JobEvent = {
    event: 'job:retrying',
    ...job,
    object_id: 'o',
    created_at: now,
    round: 1,
    timeout_ms: 1_000,
    max_attempts: 3,
    backoff: DEFAULT_POLICY.backoff,
    crashes: 0,
    at: now,
    attempt: 1,
    worker_id: 'w',
    due_at: isoTime(dueAtMs),
    error: { name: 'Error', message: 'no' },
  }
  const publication = {
    subject: eventSubject('job:retrying', job),
    body: JSON.stringify(retrying),
    nonce: newNonce(),
    conflictKey: job.job_id,
    expect: { seq, filter: historyFilter(job) },
  }
  const result = await house.bus.publisher.publish(publication, SOON)
  await house.project(job)
  if (result.kind !== 'stored') throw new Error('not stored')
  return { job, seq: result.seq }
}

const eventsOf = async (house: House, job: JobAddress) =>
  (await house.bus.history.all(job)).map(({ event }) => event.event)

test('a delayed job is published again where the log is cut past it, once a cut, and above the cut', async () => {
  await using house = await setup()
  const { job } = await createRetrying(house, systemClock.now() + 10 * HOUR)
  await armTimers(house.bus)
  await create(house.bus)
  await ackLane(house.bus)
  const { lastSeq } = await house.bus.stream.state()

  // The last event stays, whatever its age.
  const cut = await trimLog(house.trim(laterBy(2 * HOUR), lastSeq))
  expect(cut).toBe(lastSeq)
  expect(await eventsOf(house, job)).toEqual(['job:retrying'])
  await house.project(job)
  await trimLog(house.trim(laterBy(2 * HOUR), lastSeq))
  expect(await eventsOf(house, job)).toEqual(['job:retrying'])
  expect(await house.wokenCount()).toBe(0)

  await armTimers(house.bus)
  expect((await house.bus.stream.lastOf(timerSubject(job)))?.seq).toBeGreaterThan(lastSeq)
})

test('a delayed job whose last event nobody can read ends, and keeps no other from being looked after', async () => {
  await using house = await setup()
  const { job, seq } = await createRetrying(house, systemClock.now() + 10 * HOUR)
  const publication = {
    subject: eventSubject('job:progress', job),
    body: '[]',
    nonce: newNonce(),
    conflictKey: job.job_id,
    expect: { seq, filter: historyFilter(job) },
  }
  await house.bus.publisher.publish(publication, SOON)
  await house.project(job)
  const other = await createRetrying(house, systemClock.now() + 10 * HOUR)
  await armTimers(house.bus)
  await create(house.bus)
  await ackLane(house.bus)
  const { lastSeq } = await house.bus.stream.state()
  await trimLog(house.trim(laterBy(2 * HOUR), lastSeq))
  expect(await eventsOf(house, job)).toEqual(['job:failed'])
  expect(await eventsOf(house, other.job)).toEqual(['job:retrying'])
})

test('under pressure too: a cut within the retention takes no delayed job with it', async () => {
  await using house = await setup()
  const { job } = await createRetrying(house, systemClock.now() + 10 * HOUR)
  await armTimers(house.bus)
  for (let i = 0; i < 20; i++) await create(house.bus)
  await ackLane(house.bus)
  const { lastSeq } = await house.bus.stream.state()
  expect(await trimLog({ ...house.trim(laterBy(10 * SECOND), lastSeq), maxJobs: 7 })).toBeGreaterThan(10)
  expect(await eventsOf(house, job)).toEqual(['job:retrying'])
})

test('a delayed job whose trigger waits in its lane keeps its place: it holds the cut, and is not woken', async () => {
  await using house = await setup()
  const { job, seq } = await createRetrying(house, systemClock.now())
  await armTimers(house.bus)
  await expect.poll(() => house.bus.stream.lastOf(dueSubject(job)), { timeout: 5_000 }).not.toBeNull()

  await wakeStuckJobs(house.wake(laterBy(2 * HOUR)))
  expect(await trimLog(house.trim(laterBy(2 * HOUR), 100))).toBe(seq)
  expect(await eventsOf(house, job)).toEqual(['job:retrying'])
  expect(await house.wokenCount()).toBe(0)
})

test('a delayed job that no worker has armed yet is not woken: the first one will arm it', async () => {
  await using house = await setup()
  const { job } = await createRetrying(house, systemClock.now())
  await wakeStuckJobs(house.wake(laterBy(2 * HOUR)))
  expect(await eventsOf(house, job)).toEqual(['job:created', 'job:retrying'])
})

test('an overdue job without timer and trigger is woken', async () => {
  await using house = await setup()
  const { job } = await createRetrying(house, systemClock.now() + 10 * HOUR)
  await armTimers(house.bus)
  const timer = await house.bus.stream.lastOf(timerSubject(job))
  await house.bus.broker.nc.request(`$JS.API.STREAM.MSG.DELETE.${JOBS_STREAM}`, JSON.stringify({ seq: timer?.seq }))
  await wakeStuckJobs(house.wake(laterBy(11 * HOUR)))
  expect(await eventsOf(house, job)).toEqual(['job:created', 'job:retrying', 'job:retrying'])
  expect(await house.wokenCount()).toBe(1)
})

test('the log is cut at the least of retention, checkpoint and what a lane still needs', async () => {
  await using house = await setup()
  for (let i = 0; i < 5; i++) await create(house.bus)
  await ackLane(house.bus)
  const { job, seq } = await create(house.bus)
  await house.bus.publisher.publish(
    endPublication(await create(house.bus).then((made) => made.job), 'job:finished', seq + 1),
    SOON,
  )

  expect(await trimLog(house.trim(systemClock, 100))).toBeNull()
  expect(await trimLog(house.trim(laterBy(2 * HOUR), 3))).toBe(4)
  expect((await house.bus.stream.state()).firstSeq).toBe(4)
  // The two jobs after the acked ones are still in their lane.
  expect(await trimLog(house.trim(laterBy(2 * HOUR), 100))).toBe(seq)
  expect(await house.bus.history.all(job)).toHaveLength(1)
})

/** Runs the job of a request's first task. @param says the object_id in the job's end, where it is a different one */
function runTask(bus: TestBus, says?: string): Promise<{ first: number; end: number }> {
  const requestId = newAddress().job_id
  const task = { step: 0, key: 'a', round: 1 }
  return runJob(bus, objectIdOf(requestId, task), says, taskJobId(requestId, task))
}

/** @returns the sequences of its first event and of its end */
async function runJob(
  bus: TestBus,
  objectId: string,
  says = objectId,
  jobId = newAddress().job_id,
): Promise<{ first: number; end: number }> {
  const job = { ...newAddress(), job_id: jobId }
  const named = (publication: Publication, object_id: string): Publication => ({
    ...publication,
    body: JSON.stringify({ ...(JSON.parse(publication.body) as object), object_id }),
  })
  const first = await bus.publisher.publish(named(createdPublication(job), objectId), SOON)
  if (first.kind !== 'stored') throw new Error('not stored')
  await create(bus)
  const end = await bus.publisher.publish(named(endPublication(job, 'job:finished', first.seq), says), SOON)
  if (end.kind !== 'stored') throw new Error('not stored')
  return { first: first.seq, end: end.seq }
}

test('the end of a request’s job and its history stay until the workflow service has taken it, others hold nothing', async () => {
  await using house = await setup()
  const { bus } = house
  await runJob(bus, 'invoice-42')
  // Anybody may choose such an object_id.
  await runJob(bus, objectIdOf(newAddress().job_id, { step: 0, key: 'a', round: 1 }))
  const { first } = await runTask(bus)
  await runJob(bus, 'invoice-43')
  const later = await runTask(bus, '')
  await ackLane(bus)
  const cut = () => trimLog(house.trim(laterBy(2 * HOUR), 100))
  expect(await cut()).toBe(first)
  expect(await cut()).toBeNull()

  // The events of the first jobs are cut already.
  await ackEnds(bus, 2)
  expect(await cut()).toBe(later.first)
  await ackEnds(bus, 1)
  expect(await cut()).toBe(later.end)
  await runJob(bus, 'invoice-44')
  const last = await runTask(bus)
  await ackLane(bus)
  expect(await cut()).toBe(last.first)
})

async function ackEnds(bus: TestBus, count: number): Promise<void> {
  const puller = new ConsumerPuller(bus.broker)
  const onDelivery = (delivery: Delivery) => puller.ack(delivery)
  await puller.pull({ consumer: JOB_ENDS, batch: count, waitMs: 0, onDelivery })
  await expect.poll(async () => (await bus.stream.consumerFloor(JOB_ENDS))?.ackPending, { timeout: 20_000 }).toBe(0)
  puller.close()
}

test('at a broker of before there were requests the log is trimmed all the same', async () => {
  await using house = await setup()
  const { end } = await runTask(house.bus)
  await ackLane(house.bus)
  await house.bus.broker.nc.request(`$JS.API.CONSUMER.DELETE.${JOBS_STREAM}.${JOB_ENDS}`)
  expect(await trimLog(house.trim(laterBy(2 * HOUR), 100))).toBe(end)
})

test('under pressure the log is cut before its time, but never within the cooldown', async () => {
  await using house = await setup()
  for (let i = 0; i < 20; i++) await create(house.bus)
  await ackLane(house.bus)
  const tight = (clock: Clock): TrimDeps => ({ ...house.trim(clock, 100), maxJobs: 7 })
  expect(await trimLog(tight(systemClock))).toBeNull()
  expect(await trimLog(tight(laterBy(10 * SECOND)))).toBe(11)
})

describe('while the clocks of the machine and the broker differ', () => {
  const differing = (deps: TrimDeps): TrimDeps => ({ ...deps, isClockTrusted: () => false })

  test('the log is not cut for its age, and under pressure all the same', async () => {
    await using house = await setup()
    for (let i = 0; i < 20; i++) await create(house.bus)
    await ackLane(house.bus)
    const later = house.trim(laterBy(30 * DAY), 100)
    expect(await trimLog(differing(later))).toBeNull()
    expect(await trimLog(differing({ ...later, maxJobs: 7 }))).toBe(11)
    expect(await trimLog(later)).toBe(20)
  })

  test('no job is deleted for its age, and all are once they agree', async () => {
    await using house = await setup()
    const { job, seq } = await create(house.bus)
    await house.bus.publisher.publish(endPublication(job, 'job:cancelled', seq), SOON)
    await house.project(job)
    let isTrusted = false
    let rounds = 0
    const clock = laterBy(31 * DAY)
    const keeper = createHousekeeper({
      isOwner: () => true,
      wake: { ...house.wake(clock), listLanes: () => (rounds++, listLanes(house.bus.broker)) },
      trim: { ...house.trim(clock, 0), isClockTrusted: () => isTrusted },
      store: house.store,
      clock,
      everyMs: 10,
      jobRetentionMs: 30 * DAY,
      log: silentLog,
    })
    keeper.start()
    await expect.poll(() => rounds, { timeout: 20_000 }).toBeGreaterThan(3)
    expect(await house.store.get(job.job_id)).not.toBeNull()
    isTrusted = true
    await expect.poll(() => house.store.get(job.job_id), { timeout: 20_000 }).toBeNull()
    await keeper.stop()
  })
})

test('the first sequence after a time is found by halving, also over gaps', async () => {
  const times = new Map([1, 2, 5, 6, 9].map((seq) => [seq, seq * 1_000]))
  const stream = {
    nextOf: async (_filter: string, from: number) => {
      const seq = [...times.keys()].find((known) => known >= from)
      await Promise.resolve()
      return seq === undefined ? null : { subject: 's', seq, time: isoTime(seq * 1_000), headers: new Map(), body: '' }
    },
  }
  const state = { firstSeq: 1, lastSeq: 9 }
  const at = (ms: number) => firstSeqAfter(stream, state, ms)
  expect(await Promise.all([at(0), at(1_000), at(2_000), at(5_500), at(9_000)])).toEqual([1, 2, 3, 6, 10])
})
