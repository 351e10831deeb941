// How old a list of requests is, by a real broker and a real store.
import { expect, test } from 'vitest'
import { Records } from '#shared/bus/records.ts'
import { Stream } from '#shared/bus/stream.ts'
import { planSchema } from '#shared/contracts/http/requests.ts'
import { REQUESTS_STREAM, requestSubject } from '#shared/contracts/log/subjects.ts'
import { newJobId } from '#shared/ids/ids.ts'
import type { RequestStore } from '#shared/stores/requests/request-store.ts'
import { openSqliteRequests } from '#shared/stores/requests/sqlite-requests.ts'
import { openFreshFile } from '#shared/stores/sqlite/open-fresh.ts'
import { systemClock } from '#shared/time/clock.ts'
import { replaceStream, silentLog, startTestBus } from '../../../e2e/support/bus.ts'
import { newRecord } from '../decide/new-record.ts'
import { REQUEST_RECORDS, RequestRecords, type StoredRequest } from '../engine/request-records.ts'
import { ListAge } from './list-age.ts'
import { toRow } from './request-row.ts'

/** Requests at a real broker, and the store that should have them; nobody carries them out. */
async function begin() {
  await using undo = new AsyncDisposableStack()
  const bus = undo.use(await startTestBus())
  const { store } = undo.use(await openFreshFile('workflow.sqlite', openSqliteRequests))
  const atBroker = new Records(REQUEST_RECORDS, { broker: bus.broker, clock: systemClock })
  undo.defer(() => atBroker.close())
  const records = new RequestRecords(atBroker, bus.broker.maxPayload)
  const stream = new Stream(bus.broker, REQUESTS_STREAM)
  const deps = { broker: bus.broker, stream, store, clock: systemClock, log: silentLog }
  const about = { tenant: null, name: null, definition: null, params: {}, extras: {} }
  const plan = planSchema.parse([{ name: 'one', jobs: [{ name: 'a', type: 'sleep' }] }])
  const write = async (before?: StoredRequest) => {
    const requestId = newJobId(systemClock.now())
    const record = before?.record ?? newRecord({ ...about, requestId, plan }, systemClock.now())
    const stored = await records.write(record, before?.seq ?? 0)
    if (stored === null) throw new Error('somebody else wrote it')
    return stored
  }
  const put = async (...requests: StoredRequest[]) => {
    const generation = Date.parse((await stream.state()).created)
    await store.putNewer(requests.map((request) => toRow(request, generation)))
  }
  const stack = undo.move()
  return {
    bus,
    store,
    stream,
    records,
    write,
    put,
    age: new ListAge(deps),
    ageBy: (own: Partial<Pick<RequestStore, 'versionsOf'>>) => new ListAge({ ...deps, store: { ...store, ...own } }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** The answer to a question that was put at this time, where nothing is missing. */
const expectCurrent = async (age: ListAge) => {
  const askedMs = systemClock.now()
  const { as_of: asOf, lag_ms: lagMs } = await age.now()
  expect(Date.parse(asOf ?? '')).toBeGreaterThanOrEqual(askedMs)
  expect(lagMs).toBe(0)
}

test('a list is of now where the store has every request, though no delivery was ever acked', async () => {
  await using kit = await begin()
  await expectCurrent(kit.age)
  const requests = [await kit.write(), await kit.write()]
  await kit.put(...requests)
  await expectCurrent(kit.age)
  const [first] = requests
  await kit.put(await kit.write(first))
  await expectCurrent(kit.age)
  await expectCurrent(kit.ageBy({}))
})

test('a list is as old as the last time at which nothing was missing, and of now again once it is there', async () => {
  await using kit = await begin()
  const request = await kit.write()
  await kit.put(request)
  const before = await kit.age.now()
  const changed = await kit.write(request)
  const beforeMs = systemClock.now()
  const behind = await kit.age.now()
  expect(behind.as_of).toBe(before.as_of)
  expect(behind.lag_ms).toBeGreaterThanOrEqual(beforeMs - Date.parse(before.as_of ?? ''))
  // What is known for certain to a replica that has just begun is nothing.
  expect(await kit.ageBy({}).now()).toEqual({ as_of: null, lag_ms: null })
  await kit.put(changed)
  await expectCurrent(kit.age)
})

test('a request that the store has and the stream has emptied is not missing, nor is one whose row was deleted', async () => {
  await using kit = await begin()
  const [first, second] = [await kit.write(), await kit.write()]
  await kit.put(first)
  await kit.records.empty(first)
  const behind = await kit.age.now()
  expect(behind).toEqual({ as_of: null, lag_ms: null })
  // Its row was written and deleted, which nobody can see any more.
  await kit.records.empty(second)
  await expectCurrent(kit.age)
  // Nothing is behind the last message that is there, though the stream once had more.
  const last = await kit.write()
  await kit.put(last)
  await kit.stream.purge({ filter: requestSubject(last.record.request_id) })
  await expectCurrent(kit.age)
})

test('under a steady load of changes the age does not grow', async () => {
  await using kit = await begin()
  const isOver = new AbortController()
  const load = (async () => {
    for (let request = await kit.write(); !isOver.signal.aborted; request = await kit.write(request))
      await kit.put(request)
  })()
  for (let n = 0; n < 10; n++) {
    const { as_of: asOf, lag_ms: lagMs } = await kit.age.now()
    expect(asOf).not.toBeNull()
    expect(lagMs).toBeLessThan(1_000)
  }
  isOver.abort()
  await load
})

test('a store that does not answer or fails holds nobody up, and the age is that of before', async () => {
  await using kit = await begin()
  await kit.put(await kit.write())
  let answer: 'well' | 'never' | 'badly' = 'well'
  const age = kit.ageBy({
    versionsOf: (ids) => {
      if (answer === 'never') return new Promise(() => {})
      return answer === 'well' ? kit.store.versionsOf(ids) : Promise.reject(new Error('it is away'))
    },
  })
  const { as_of: asOf } = await age.now()
  expect(asOf).not.toBeNull()
  await kit.put(await kit.write())
  answer = 'badly'
  expect(await age.now()).toMatchObject({ as_of: asOf })
  answer = 'never'
  expect(await age.now()).toMatchObject({ as_of: asOf })
})

test('another stream is compared anew, and versions of the one before do not count', async () => {
  await using kit = await begin()
  const requests = [await kit.write(), await kit.write(), await kit.write()]
  await kit.put(...requests)
  await expectCurrent(kit.age)
  await replaceStream(kit.bus.broker, REQUESTS_STREAM)
  const [, , last] = requests
  if (last === undefined) throw new Error('there are three')
  const again = await kit.write({ ...last, seq: 0 })
  expect(again.seq).toBeLessThan(last.seq)
  for (const age of [kit.age, kit.ageBy({})]) expect((await age.now()).as_of).toBeNull()
  await kit.put(again)
  await expectCurrent(kit.age)
})

test('while the broker is away the age grows', async () => {
  await using kit = await begin()
  await kit.put(await kit.write())
  const { as_of: asOf } = await kit.age.now()
  await kit.bus.nats.stop()
  expect(await kit.age.now()).toMatchObject({ as_of: asOf })
})
