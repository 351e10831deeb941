import { expect, test } from 'vitest'
import { JOB_PHASES, type JobSummary } from '#shared/contracts/log/job.ts'
import { makeJobId } from '#shared/contracts/log/job-id.ts'
import type { OpenStore } from '../conformance.ts'
import { AFTER_EVERY_ID, type JobQuery, type JobStore } from '../job-store.ts'
import { EVERYTHING, idOf, minute, storedJob } from './records.ts'

const ids = (found: JobSummary[]): string[] => found.map((each) => each.job_id)

const listIds = async (store: JobStore, query: Partial<JobQuery>): Promise<string[]> =>
  ids(await store.list({ ...EVERYTHING, ...query }))

export function listTests(open: OpenStore): void {
  test('list shows everything of a job but its payload and result', async () => {
    await using opened = await open()
    const stored = storedJob(
      1,
      { seq: 1 },
      { payload: { large: 1 }, result: 'large', error: { name: 'E', message: 'm' } },
    )
    await opened.store.putNewer([stored])
    const { payload: _payload, result: _result, ...summary } = stored.job
    expect(await opened.store.list(EVERYTHING)).toStrictEqual([summary])
  })

  test('list pages from the newest to the oldest, in whatever order jobs were written and updated', async () => {
    await using opened = await open()
    const { store } = opened
    const written = Array.from({ length: 25 }, (_, n) => storedJob(n, { seq: n + 1 }, { type: n % 2 ? 'a' : 'b' }))
    await store.putNewer(written.slice(10))
    await store.putNewer(written.slice(0, 10).toReversed())
    await store.putNewer([storedJob(3, { seq: 99 }, { type: 'a', phase: 'finished' })])
    const newestFirst = written.map((each) => each.job.job_id).toReversed()
    for (const filter of [{}, { statuses: ['processing', 'finished'] }] satisfies Partial<JobQuery>[]) {
      const pages: string[][] = []
      for (let belowId = AFTER_EVERY_ID; belowId !== ''; belowId = pages.at(-1)?.at(-1) ?? '')
        pages.push(await listIds(store, { ...filter, belowId, limit: 10 }))
      expect(pages.map((page) => page.length)).toEqual([10, 10, 5, 0])
      expect(pages.flat()).toEqual(newestFirst)
    }
  })

  test('list keeps to each filter, and to all of them together', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer(
      JOB_PHASES.flatMap((phase, i) => [
        storedJob(i * 2, { seq: i * 2 + 1 }, { phase, type: 'mail', object_id: 'order' }),
        storedJob(i * 2 + 1, { seq: i * 2 + 2 }, { phase, type: 'sleep' }),
      ]),
    )
    const phaseOf = async (query: Partial<JobQuery>) =>
      (await store.list({ ...EVERYTHING, ...query })).map((each) => `${each.type} ${each.phase}`).toReversed()
    expect(await phaseOf({ statuses: ['processing'], type: 'mail' })).toEqual([
      'mail waiting',
      'mail running',
      'mail retrying',
    ])
    expect(await phaseOf({ statuses: ['scheduled', 'failed'] })).toEqual([
      'mail scheduled',
      'sleep scheduled',
      'mail failed',
      'sleep failed',
    ])
    expect(await phaseOf({ objectId: 'order' })).toEqual(JOB_PHASES.map((phase) => `mail ${phase}`))
    expect(await phaseOf({ objectId: 'order', statuses: ['finished', 'cancelled'], type: 'mail' })).toEqual([
      'mail finished',
      'mail cancelled',
    ])
    expect(await phaseOf({ objectId: 'order', type: 'sleep' })).toEqual([])
    expect(await phaseOf({ type: 'sleep' })).toEqual(JOB_PHASES.map((phase) => `sleep ${phase}`))
    expect(await phaseOf({ type: 'none' })).toEqual([])
    expect(await phaseOf({ statuses: [] })).toEqual([])
  })

  test('an object_id is compared whole and as it is', async () => {
    await using opened = await open()
    const { store } = opened
    const objects = ['a', 'A', 'a ', 'a\u0000', 'a\u0000b', '$where', '', 'é', 'e\u0301', '🦀'.repeat(128)]
    await store.putNewer(objects.map((object_id, n) => storedJob(n, { seq: n + 1 }, { object_id })))
    for (const [n, objectId] of objects.entries()) expect(await listIds(store, { objectId })).toEqual([idOf(n)])
  })

  test('list keeps to ids from one on and below another, which bound the time too', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([0, 1, 2, 3].map((n) => storedJob(n, { seq: n + 1 })))
    const at = (ms: number) => makeJobId(Date.parse(minute(0)) + ms, '')
    for (const filter of [{}, { type: 'sleep' }, { statuses: ['processing'] }] satisfies Partial<JobQuery>[]) {
      const list = (query: Partial<JobQuery>) => listIds(store, { ...filter, ...query })
      expect(await list({ fromId: idOf(1), belowId: idOf(3) })).toEqual([idOf(2), idOf(1)])
      expect(await list({ fromId: at(1), belowId: at(3) })).toEqual([idOf(2), idOf(1)])
      expect(await list({ fromId: at(4) })).toEqual([])
      expect(await list({ fromId: idOf(3), belowId: idOf(1) })).toEqual([])
    }
    expect(await listIds(store, { objectId: 'object-2', fromId: at(3) })).toEqual([])
    expect(await listIds(store, { objectId: 'object-2', fromId: at(2), belowId: at(3) })).toEqual([idOf(2)])
  })

  test('a job is listed under the status it has now, and no longer once deleted', async () => {
    await using opened = await open()
    const { store } = opened
    const list = async () => [
      await listIds(store, { statuses: ['processing'] }),
      await listIds(store, { statuses: ['failed'], type: 'sleep' }),
      await listIds(store, { statuses: ['failed'], objectId: 'object-1' }),
    ]
    await store.putNewer([storedJob(1, { seq: 1 })])
    expect(await list()).toEqual([[idOf(1)], [], []])
    await store.putNewer([storedJob(1, { seq: 2 }, { phase: 'failed' }), storedJob(1, { seq: 1 })])
    expect(await list()).toEqual([[], [idOf(1)], [idOf(1)]])
    await store.deleteEndedBefore(minute(9), 10)
    expect(await list()).toEqual([[], [], []])
    expect(await listIds(store, {})).toEqual([])
  })
}
