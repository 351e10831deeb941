import { expect, test } from 'vitest'
import type { OpenStore } from '../conformance.ts'
import type { JobQuery, JobStore } from '../job-store.ts'
import type { JobMatch } from '../match.ts'
import { EVERYTHING, idOf, minute, storedJob } from './records.ts'

const ANY: JobMatch = { attemptsMin: null, worker: null, payload: [] }
const attempt = (number: number, workerId: string) => ({
  attempt: number,
  worker_id: workerId,
  started_at: minute(0),
  ended_at: null,
  outcome: null,
  error: null,
})

const PAYLOADS = [
  { customer: { id: 42 }, name: 'Ada "the first"' },
  { customer: { id: '42' } },
  { customer: { id: 421 } },
  { customer: null, 'a/b': { '~': true } },
  'a text',
  [{ id: 42 }],
]

async function fill(store: JobStore): Promise<void> {
  const attempts = [[], [attempt(1, 'w1')], [attempt(1, 'w1'), attempt(2, 'w"2')], [attempt(5, 'w"2')], [], []]
  await store.putNewer(
    PAYLOADS.map((payload, n) =>
      storedJob(n, { seq: n + 1 }, { payload, attempts: attempts[n] ?? [], type: n < 4 ? 'mail' : 'sleep' }),
    ),
  )
}

async function found(store: JobStore, match: Partial<JobMatch>, query: Partial<JobQuery> = {}): Promise<number[]> {
  const { jobs } = await store.search({ ...EVERYTHING, ...query }, { ...ANY, ...match })
  return jobs.map(({ job_id }) => PAYLOADS.findIndex((_, n) => idOf(n) === job_id))
}

export function matchTests(open: OpenStore): void {
  test('a search by payload, attempts or worker finds the jobs that match, newest first', async () => {
    await using opened = await open()
    const { store } = opened
    await fill(store)
    const at = (pointer: string, value: string) => ({ payload: [{ pointer, value }] })
    expect(await found(store, {})).toEqual([5, 4, 3, 2, 1, 0])
    expect(await found(store, at('/customer/id', '42'))).toEqual([1, 0])
    expect(await found(store, at('/0/id', '42'))).toEqual([5])
    expect(await found(store, at('', 'a text'))).toEqual([4])
    expect(await found(store, at('/customer', 'null'))).toEqual([3])
    expect(await found(store, at('/a~1b/~0', 'true'))).toEqual([3])
    expect(await found(store, at('/name', 'Ada "the first"'))).toEqual([0])
    expect(await found(store, at('/customer', '[object Object]'))).toEqual([])
    expect(await found(store, at('/__proto__', 'null'))).toEqual([])
    expect(await found(store, { attemptsMin: 2 })).toEqual([3, 2])
    expect(await found(store, { worker: 'w"2' })).toEqual([3, 2])
    expect(await found(store, { worker: 'w' })).toEqual([])
    expect(await found(store, { worker: 'w1', ...at('/customer/id', '42') })).toEqual([1])
    expect(await found(store, at('/customer/id', '42'), { type: 'sleep' })).toEqual([])
    expect(await found(store, {}, { objectId: 'object-2' })).toEqual([2])
  })

  test('a search looks at no more jobs than its limit, and says where it came to', async () => {
    await using opened = await open()
    const { store } = opened
    await fill(store)
    const match = { ...ANY, attemptsMin: 1 }
    const first = await store.search({ ...EVERYTHING, limit: 3 }, match)
    expect(first.jobs.map(({ job_id }) => job_id)).toEqual([idOf(3)])
    expect(first.lastId).toBe(idOf(3))
    const second = await store.search({ ...EVERYTHING, belowId: idOf(3), limit: 4 }, match)
    expect(second.jobs.map(({ job_id }) => job_id)).toEqual([idOf(2), idOf(1)])
    expect(second.lastId).toBeNull()
  })

  test('count says how many jobs a list would find, and stops at the limit', async () => {
    await using opened = await open()
    const { store } = opened
    await fill(store)
    const count = (query: Partial<JobQuery>) => store.count({ ...EVERYTHING, ...query })
    expect(await count({})).toBe(6)
    expect(await count({ limit: 4 })).toBe(4)
    expect(await count({ type: 'mail' })).toBe(4)
    expect(await count({ type: 'mail', limit: 2 })).toBe(2)
    expect(await count({ statuses: ['failed'] })).toBe(0)
    expect(await count({ statuses: ['processing'], fromId: idOf(2) })).toBe(4)
    expect(await count({ fromId: idOf(2), limit: 3 })).toBe(3)
    expect(await count({ tenant: 'nobody', fromId: idOf(2) })).toBe(0)
    expect(await count({ objectId: 'object-3' })).toBe(1)
    for (const tenant of ['', undefined] as unknown as string[])
      for (const wrong of [store.count({ ...EVERYTHING, tenant }), store.search({ ...EVERYTHING, tenant }, ANY)])
        await expect(wrong).rejects.toThrow(TypeError)
  })
}
