import { expect, test } from 'vitest'
import type { OpenStore } from '../conformance.ts'
import { HOSTILE_VALUES, idOf, storedJob } from './records.ts'

export function jobTests(open: OpenStore): void {
  test('a job comes back as it was written, whatever keys and text its user chose', async () => {
    await using opened = await open()
    const written = HOSTILE_VALUES.map((value, n) =>
      storedJob(
        n,
        { seq: n + 1 },
        {
          object_id: `$where.${n} 🦀 \u0000`,
          payload: value,
          result: value,
          progress: { percent: 50, message: '$inc', data: value, at: 'now' },
          error: { name: '$error', message: 'a.b', code: '$code' },
        },
      ),
    )
    await opened.store.putNewer(written)
    // As text: toEqual would not see an own `__proto__`.
    for (const each of written) {
      const found = await opened.store.get(each.job.job_id)
      expect(found).toEqual(each)
      for (const member of ['object_id', 'payload', 'result', 'progress', 'error'] as const)
        expect(JSON.stringify(found?.job[member])).toBe(JSON.stringify(each.job[member]))
    }
  })

  test('a job that was never written is null', async () => {
    await using opened = await open()
    expect(await opened.store.get(idOf(1))).toBeNull()
    expect(await opened.store.get('')).toBeNull()
  })

  test('only a newer version replaces what is stored, and replaces all of it', async () => {
    await using opened = await open()
    const { store } = opened
    const first = storedJob(1, { seq: 5 }, { payload: 'first', reason: 'first' })
    await store.putNewer([first])
    await store.putNewer([storedJob(1, { seq: 4 }, { payload: 'older' })])
    await store.putNewer([storedJob(1, { seq: 5 }, { payload: 'equal' })])
    expect(await store.get(idOf(1))).toEqual(first)
    const newer = storedJob(1, { seq: 6 }, { payload: 'newer' })
    await store.putNewer([newer])
    expect(await store.get(idOf(1))).toEqual(newer)
  })

  test('a newer generation wins with a lower sequence, and an older one loses with a higher', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([storedJob(1, { generation: 1, seq: 900 })])
    const rebuilt = storedJob(1, { generation: 2, seq: 3 })
    await store.putNewer([rebuilt])
    await store.putNewer([storedJob(1, { generation: 1, seq: 1_000 })])
    expect(await store.get(idOf(1))).toEqual(rebuilt)
  })

  test('sequences beyond 32 bits are compared as numbers', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([storedJob(1, { seq: 9 })])
    const high = storedJob(1, { seq: 2 ** 52 + 1 })
    await store.putNewer([high])
    await store.putNewer([storedJob(1, { seq: 2 ** 52 }), storedJob(1, { seq: 10 })])
    expect(await store.get(idOf(1))).toEqual(high)
  })

  test('of several versions in one call the newest wins, in whatever order they stand', async () => {
    await using opened = await open()
    const { store } = opened
    const newest = storedJob(1, { generation: 2, seq: 1 })
    await store.putNewer([storedJob(1, { seq: 2 }), newest, storedJob(1, { seq: 9 }), storedJob(2, { seq: 3 })])
    expect(await store.get(idOf(1))).toEqual(newest)
    expect((await store.get(idOf(2)))?.job.seq).toBe(3)
  })

  test('a call that holds old and new versions writes the new ones', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([storedJob(1, { seq: 9 }), storedJob(2, { seq: 1 })])
    await store.putNewer([storedJob(1, { seq: 8 }), storedJob(2, { seq: 2 }), storedJob(3, { seq: 1 })])
    const found = await store.getMany([1, 2, 3].map(idOf))
    expect([1, 2, 3].map((n) => found.get(idOf(n))?.job.seq)).toEqual([9, 2, 1])
  })

  test('a call may replace more jobs than a server takes in one command', async () => {
    await using opened = await open()
    const { store } = opened
    const versions = (seq: number) => Array.from({ length: 120 }, (_, n) => storedJob(n, { seq }))
    for (const seq of [1, 2, 1]) await store.putNewer(versions(seq))
    const found = await store.getMany(versions(2).map((each) => each.job.job_id))
    expect([...found.values()].map((each) => each.job.seq)).toEqual(versions(2).map((each) => each.job.seq))
  })

  test('getMany finds what is there among 3,000 ids', async () => {
    await using opened = await open()
    const { store } = opened
    const written = Array.from({ length: 200 }, (_, i) => storedJob(i * 15, { seq: i + 1 }))
    await store.putNewer(written)
    const found = await store.getMany(Array.from({ length: 3_000 }, (_, n) => idOf(n)))
    expect(found.size).toBe(written.length)
    for (const each of written) expect(found.get(each.job.job_id)).toEqual(each)
  })

  test('empty lists and repeated ids are fine', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([])
    expect(await store.getMany([])).toEqual(new Map())
    const one = storedJob(1, { seq: 1 })
    await store.putNewer([one])
    expect(await store.getMany([idOf(1), idOf(2), idOf(1)])).toEqual(new Map([[idOf(1), one]]))
  })
}
