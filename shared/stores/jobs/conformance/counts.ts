import { expect, test } from 'vitest'
import type { OpenStore } from '../conformance.ts'
import type { JobStore } from '../job-store.ts'
import { minute, storedJob } from './records.ts'

const counted = async (store: JobStore): Promise<Record<string, number>> =>
  Object.fromEntries((await store.counts(null)).map(({ type, status, count }) => [`${type} ${status}`, count]))

export function countTests(open: OpenStore): void {
  test('counts follow jobs as they are made, end, start anew and are deleted', async () => {
    await using opened = await open()
    const { store } = opened
    expect(await store.counts(null)).toEqual([])
    await store.putNewer([
      storedJob(1, { seq: 1 }, { type: 'mail' }),
      storedJob(2, { seq: 2 }, { type: 'mail' }),
      storedJob(3, { seq: 3 }, { type: 'constructor', phase: 'scheduled' }),
    ])
    expect(await counted(store)).toEqual({ 'mail processing': 2, 'constructor scheduled': 1 })
    // Within a status, and older than the stored version: neither counts.
    await store.putNewer([
      storedJob(1, { seq: 4 }, { type: 'mail', phase: 'running' }),
      storedJob(2, { seq: 1 }, { type: 'mail', phase: 'failed' }),
    ])
    expect(await counted(store)).toEqual({ 'mail processing': 2, 'constructor scheduled': 1 })
    await store.putNewer([
      storedJob(1, { seq: 5 }, { type: 'mail', phase: 'failed' }),
      storedJob(3, { seq: 6 }, { type: 'constructor', phase: 'finished' }),
    ])
    expect(await counted(store)).toEqual({ 'mail processing': 1, 'mail failed': 1, 'constructor finished': 1 })
    await store.putNewer([storedJob(1, { seq: 7 }, { type: 'mail', round: 2 })])
    expect(await counted(store)).toEqual({ 'mail processing': 2, 'constructor finished': 1 })
    await store.deleteEndedBefore(minute(9), 10)
    expect(await counted(store)).toEqual({ 'mail processing': 2 })
  })

  test('several versions of a job in one call count once', async () => {
    await using opened = await open()
    await opened.store.putNewer([
      storedJob(1, { seq: 1 }),
      storedJob(1, { seq: 3 }, { phase: 'finished' }),
      storedJob(1, { seq: 2 }),
    ])
    expect(await counted(opened.store)).toEqual({ 'sleep finished': 1 })
  })

  test('counts are those of all replicas, and are there when opened again', async () => {
    await using opened = await open()
    const other = await opened.openAgain()
    await opened.store.putNewer([storedJob(1, { seq: 1 })])
    await other.putNewer([storedJob(2, { seq: 2 }), storedJob(1, { seq: 3 }, { phase: 'finished' })])
    expect(await counted(opened.store)).toEqual({ 'sleep processing': 1, 'sleep finished': 1 })
    await opened.store.close()
    await other.close()
    expect(await counted(await opened.openAgain())).toEqual({ 'sleep processing': 1, 'sleep finished': 1 })
  })
}
