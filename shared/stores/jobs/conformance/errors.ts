import { expect, test } from 'vitest'
import type { Job } from '#shared/contracts/log/job.ts'
import type { OpenStore } from '../conformance.ts'
import type { ErrorOccurrence, ErrorsQuery } from '../errors/errors.ts'
import { fingerprintOf } from '../errors/fingerprint.ts'
import { ErrorCounter } from '../errors/tally.ts'
import type { JobStore } from '../job-store.ts'
import { AFTER_EVERY_TIME } from '../job-store.ts'
import type { Occurrences } from '../series/series.ts'
import { EVERYTHING, idOf, minute, storedJob } from './records.ts'

const NO_CUSTOMER = { name: 'TypeError', message: 'no customer 5' }
const TIMED_OUT = { name: 'Timeout', code: 'ETIMEDOUT', message: 'too long' }

const failure = (seq: number, n: number, more: Partial<ErrorOccurrence> = {}): ErrorOccurrence => ({
  seq,
  at: minute(seq),
  atMs: Date.parse(minute(seq)),
  type: 'mail',
  tenant: '',
  jobId: idOf(n),
  error: NO_CUSTOMER,
  ...more,
})

function batch(list: ErrorOccurrence[], log: Partial<Occurrences> = {}): Occurrences {
  const changesOf = (some: ErrorOccurrence[]) => {
    const counter = new ErrorCounter()
    for (const each of some) counter.add(each)
    return { spans: [], errors: counter.changes() }
  }
  const changesAfter = (after: number) => changesOf(list.filter(({ seq }) => seq > after))
  return {
    generation: 1,
    logGeneration: 1,
    logFromMs: Date.parse(minute(0)),
    changes: changesOf(list),
    changesAfter,
    ...log,
  }
}

const ALL: ErrorsQuery = {
  tenant: null,
  type: null,
  lastFrom: '',
  firstBelow: AFTER_EVERY_TIME,
  after: null,
  limit: 100,
}

const counted = async (store: JobStore, query: Partial<ErrorsQuery> = {}) =>
  (await store.errors({ ...ALL, ...query })).map(({ tally, failedNow }) => [tally.name, tally.count, failedNow])

const failed = (n: number, seq: number, more: Partial<Job> = {}) =>
  storedJob(n, { seq }, { type: 'mail', phase: 'failed', error: NO_CUSTOMER, ...more })

export function errorTests(open: OpenStore): void {
  test('errors of a kind are counted together, last seen first, with the jobs that are still failed', async () => {
    await using opened = await open()
    const { store } = opened
    const list = [
      failure(1, 1),
      failure(2, 2, { error: { ...NO_CUSTOMER, message: 'no customer 17' }, tenant: 'a' }),
      failure(3, 3, { error: TIMED_OUT, tenant: 'a' }),
    ]
    await store.putNewer(
      [failed(1, 1), failed(2, 2, { tenant: 'a' }), storedJob(3, { seq: 3 }, { phase: 'retrying', tenant: 'a' })],
      batch(list),
    )
    const found = await store.errors(ALL)
    expect(found).toMatchObject([
      { tally: { name: 'Timeout', code: 'ETIMEDOUT', count: 1, sampleJobId: idOf(3) }, failedNow: 0 },
      {
        fingerprint: fingerprintOf('mail', NO_CUSTOMER),
        tally: { message: 'no customer <n>', count: 2, firstAt: minute(1), lastAt: minute(2), sampleJobId: idOf(2) },
        failedNow: 2,
      },
    ])
    expect(await counted(store, { tenant: 'a' })).toEqual([
      ['Timeout', 1, 0],
      ['TypeError', 1, 1],
    ])
    expect(await counted(store, { tenant: 'b' })).toEqual([])
    expect(await counted(store, { type: 'sleep' })).toEqual([])
    expect(await counted(store, { lastFrom: minute(3) })).toEqual([['Timeout', 1, 0]])
    expect(await counted(store, { firstBelow: minute(3) })).toEqual([['TypeError', 2, 2]])
    expect(await counted(store, { limit: 1 })).toEqual([['Timeout', 1, 0]])
    const [first] = found
    const after = { lastAt: first?.tally.lastAt ?? '', fingerprint: first?.fingerprint ?? '' }
    expect(await counted(store, { after })).toEqual([['TypeError', 2, 2]])
  })

  test('a job that is retried, ends well or is deleted is no longer among the failed ones', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer(
      [failed(1, 1), failed(2, 2), failed(3, 3)],
      batch([failure(1, 1), failure(2, 2), failure(3, 3)]),
    )
    const error = fingerprintOf('mail', NO_CUSTOMER)
    const ids = async () => (await store.list({ ...EVERYTHING, error })).map(({ job_id }) => job_id)
    expect(await ids()).toEqual([idOf(3), idOf(2), idOf(1)])
    await store.putNewer([storedJob(1, { seq: 4 }, { type: 'mail', round: 2 })])
    expect(await counted(store)).toEqual([['TypeError', 3, 2]])
    expect(await ids()).toEqual([idOf(3), idOf(2)])
    await store.deleteEndedBefore(minute(9), 1)
    expect(await counted(store)).toEqual([['TypeError', 3, 1]])
    // Kept as long as a job has it.
    await store.deleteErrorsBefore(minute(9))
    expect(await counted(store)).toEqual([['TypeError', 3, 1]])
    await store.deleteEndedBefore(minute(9), 10)
    await store.deleteErrorsBefore(minute(3))
    expect(await counted(store)).toEqual([['TypeError', 3, 0]])
    await store.deleteErrorsBefore(minute(9))
    expect(await counted(store)).toEqual([])
  })

  test('errors that are applied again count once, and a rebuild counts them anew', async () => {
    await using opened = await open()
    const { store } = opened
    const list = [failure(1, 1), failure(2, 2), failure(3, 3), failure(4, 4)]
    await store.putNewer([], batch(list.slice(0, 3)))
    for (const [from, to] of [
      [0, 3],
      [0, 1],
      [1, 4],
      [0, 4],
    ])
      await store.putNewer([], batch(list.slice(from, to)))
    expect(await counted(store)).toEqual([['TypeError', 4, 0]])
    await store.putNewer([], batch(list.slice(0, 2), { generation: 2 }))
    expect(await counted(store)).toEqual([['TypeError', 2, 0]])
    // The log of the next one lacks the first event.
    await store.putNewer([], batch(list.slice(1), { generation: 3, logFromMs: Date.parse(minute(2)) }))
    expect(await counted(store)).toEqual([['TypeError', 4, 0]])
  })
}
