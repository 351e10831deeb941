import { expect, test } from 'vitest'
import type { JobPhase } from '#shared/contracts/log/job.ts'
import type { OpenStore } from '../conformance.ts'
import type { StoredJob } from '../job-store.ts'
import { idOf, minute, storedJob } from './records.ts'

const ALL_UNENDED: JobPhase[] = ['scheduled', 'waiting', 'running', 'retrying']
const ids = (found: StoredJob[]): string[] => found.map((each) => each.job.job_id)

export function searchTests(open: OpenStore): void {
  test('listActive pages through the jobs that have not ended, in id order', async () => {
    await using opened = await open()
    const { store } = opened
    const written = Array.from({ length: 25 }, (_, n) =>
      storedJob(n, { seq: n + 1 }, { phase: n % 5 === 0 ? 'finished' : 'running' }),
    )
    await store.putNewer(written.toReversed())
    const unended = written.filter((each) => each.job.phase === 'running')
    const query = { phases: ALL_UNENDED, updatedBefore: minute(9), limit: 8 }
    const pages: StoredJob[][] = []
    let afterId = ''
    do {
      const page = await store.listActive({ ...query, afterId })
      pages.push(page)
      afterId = page.at(-1)?.job.job_id ?? ''
    } while (afterId !== '')
    expect(pages.map((page) => page.length)).toEqual([8, 8, 4, 0])
    expect(pages.flat()).toEqual(unended)
  })

  test('listActive keeps to the phases and to jobs untouched since the time, that time itself excluded', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([
      storedJob(1, { seq: 1 }, { phase: 'waiting', updated_at: minute(1) }),
      storedJob(2, { seq: 2 }, { phase: 'running', updated_at: minute(1) }),
      storedJob(3, { seq: 3 }, { phase: 'waiting', updated_at: minute(2) }),
      storedJob(4, { seq: 4 }, { phase: 'retrying', updated_at: minute(1) }),
      storedJob(5, { seq: 5 }, { phase: 'cancelled', updated_at: minute(1) }),
    ])
    const list = async (phases: JobPhase[], updatedBefore: string) =>
      ids(await store.listActive({ phases, updatedBefore, afterId: '', limit: 10 }))
    expect(await list(['waiting', 'retrying'], minute(2))).toEqual([idOf(1), idOf(4)])
    expect(await list(['waiting'], minute(3))).toEqual([idOf(1), idOf(3)])
    expect(await list(ALL_UNENDED, minute(1))).toEqual([])
    expect(await list([], minute(3))).toEqual([])
    expect(await list(['cancelled'], minute(3))).toEqual([])
  })

  test('a job leaves and enters listActive as it ends and is started anew', async () => {
    await using opened = await open()
    const { store } = opened
    const list = async () =>
      ids(await store.listActive({ phases: ALL_UNENDED, updatedBefore: minute(9), afterId: '', limit: 10 }))
    await store.putNewer([storedJob(1, { seq: 1 })])
    expect(await list()).toEqual([idOf(1)])
    await store.putNewer([storedJob(1, { seq: 2 }, { phase: 'failed' })])
    expect(await list()).toEqual([])
    await store.putNewer([storedJob(1, { seq: 3 }, { round: 2 })])
    expect(await list()).toEqual([idOf(1)])
    expect(await store.deleteEndedBefore(minute(9), 10)).toBe(0)
  })

  test('deleteEndedBefore deletes what ended before the time, never more than the limit, never what has not ended', async () => {
    await using opened = await open()
    const { store } = opened
    const phases: JobPhase[] = ['finished', 'cancelled', 'failed']
    const old = Array.from({ length: 7 }, (_, n) =>
      storedJob(n, { seq: n + 1 }, { phase: phases[n % 3] ?? 'failed', updated_at: minute(1) }),
    )
    const kept = [
      storedJob(20, { seq: 20 }, { phase: 'finished', updated_at: minute(5) }),
      storedJob(21, { seq: 21 }, { phase: 'finished', updated_at: minute(6) }),
      storedJob(22, { seq: 22 }, { phase: 'waiting', updated_at: minute(1) }),
      storedJob(23, { seq: 23 }, { phase: 'running', updated_at: minute(1) }),
    ]
    await store.putNewer([...kept, ...old])
    expect(await store.deleteEndedBefore(minute(5), 5)).toBe(5)
    expect(await store.deleteEndedBefore(minute(5), 5)).toBe(2)
    expect(await store.deleteEndedBefore(minute(5), 5)).toBe(0)
    const left = await store.getMany([...old, ...kept].map((each) => each.job.job_id))
    expect([...left.keys()].toSorted()).toEqual(kept.map((each) => each.job.job_id))
  })
}
