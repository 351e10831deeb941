import { expect, test } from 'vitest'
import { JOB_PHASES } from '#shared/contracts/log/job.ts'
import type { OpenStore } from '../conformance.ts'
import { AFTER_EVERY_ID, type JobQuery, type JobStore } from '../job-store.ts'
import { EVERYTHING, idOf, minute, storedJob } from './records.ts'

const listIds = async (store: JobStore, query: Partial<JobQuery>): Promise<string[]> =>
  (await store.list({ ...EVERYTHING, ...query })).map((each) => each.job_id)

const counted = async (store: JobStore, tenant: string | null): Promise<Record<string, number>> =>
  Object.fromEntries((await store.counts(tenant)).map(({ type, status, count }) => [`${type} ${status}`, count]))

/** Every way in which a store may look for jobs. */
const FILTERS: Partial<JobQuery>[] = [
  {},
  { type: 'mail' },
  { statuses: ['processing', 'failed'] },
  { statuses: ['processing'], type: 'mail' },
  { objectId: 'order' },
  { objectId: 'order', type: 'mail' },
  { objectId: 'order', statuses: ['processing', 'finished'] },
  { fromId: idOf(5), belowId: idOf(30) },
  { objectId: 'order', fromId: idOf(5), belowId: idOf(30) },
]

/** The same mix of phases, types and objects for each tenant, one after the other. */
const MIXED = ['a', 'b', null].flatMap((tenant, t) =>
  Array.from({ length: 14 }, (_, i) => {
    const n = i * 3 + t
    return storedJob(
      n,
      { seq: n + 1 },
      {
        tenant,
        phase: JOB_PHASES[i % JOB_PHASES.length] ?? 'waiting',
        type: i % 2 === 0 ? 'mail' : 'sleep',
        object_id: i % 4 === 3 ? `object-${i}` : 'order',
      },
    )
  }),
)

/** Names that a store might confuse with each other, or with something else. */
const NAMES = ['a', 'A', 'a ', 'a b', 'a\u0000', 'é', 'e\u0301', '$ne', 'null', '0', '__proto__', 'constructor', '%']

export function tenantTests(open: OpenStore): void {
  test('a tenant sees its own jobs alone, whatever else is asked for', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer(MIXED)
    for (const filter of FILTERS) {
      const ofAll = await store.list({ ...EVERYTHING, ...filter })
      for (const tenant of ['a', 'b']) {
        const own = ofAll.filter((each) => each.tenant === tenant)
        expect(own.length).toBeGreaterThan(0)
        expect(await store.list({ ...EVERYTHING, ...filter, tenant })).toStrictEqual(own)
      }
      expect(await listIds(store, { ...filter, tenant: 'c' })).toEqual([])
    }
    expect(await listIds(store, {})).toHaveLength(MIXED.length)
  })

  test('pages of a tenant go from its newest job to its oldest, over all that others have between', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer(MIXED)
    const own = MIXED.filter(({ job }) => job.tenant === 'a').map(({ job }) => job.job_id)
    const pages: string[][] = []
    for (let belowId = AFTER_EVERY_ID; belowId !== ''; belowId = pages.at(-1)?.at(-1) ?? '')
      pages.push(await listIds(store, { tenant: 'a', belowId, limit: 6 }))
    expect(pages.map((page) => page.length)).toEqual([6, 6, 2, 0])
    expect(pages.flat()).toEqual(own.toReversed())
  })

  test('counts of a tenant follow its jobs as they are made, end and are deleted, and those of all follow everyone', async () => {
    await using opened = await open()
    const { store } = opened
    const counts = async () => [await counted(store, 'a'), await counted(store, 'b'), await counted(store, null)]
    await store.putNewer([
      storedJob(1, { seq: 1 }, { tenant: 'a' }),
      storedJob(2, { seq: 2 }, { tenant: 'b' }),
      storedJob(3, { seq: 3 }, { tenant: 'b', type: 'mail' }),
      storedJob(4, { seq: 4 }),
    ])
    expect(await counts()).toEqual([
      { 'sleep processing': 1 },
      { 'sleep processing': 1, 'mail processing': 1 },
      { 'sleep processing': 3, 'mail processing': 1 },
    ])
    await store.putNewer([storedJob(2, { seq: 5 }, { tenant: 'b', phase: 'failed' })])
    expect(await counts()).toEqual([
      { 'sleep processing': 1 },
      { 'sleep failed': 1, 'mail processing': 1 },
      { 'sleep processing': 2, 'sleep failed': 1, 'mail processing': 1 },
    ])
    await store.deleteEndedBefore(minute(9), 10)
    expect(await counts()).toEqual([
      { 'sleep processing': 1 },
      { 'mail processing': 1 },
      { 'sleep processing': 2, 'mail processing': 1 },
    ])
    expect(await counted(store, 'c')).toEqual({})
  })

  test('a name is compared whole and as it is', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer([
      storedJob(NAMES.length, { seq: 1 }, { object_id: 'order' }),
      ...NAMES.map((tenant, n) => storedJob(n, { seq: n + 2 }, { tenant, object_id: 'order' })),
    ])
    for (const [n, tenant] of NAMES.entries()) {
      for (const filter of [{}, { type: 'sleep' }, { objectId: 'order' }] satisfies Partial<JobQuery>[])
        expect(await listIds(store, { ...filter, tenant })).toEqual([idOf(n)])
      expect(await counted(store, tenant)).toEqual({ 'sleep processing': 1 })
    }
  })

  test('what is no name is refused, and finds nobody else', async () => {
    await using opened = await open()
    const { store } = opened
    await store.putNewer(MIXED)
    for (const claim of [undefined, '', 0, true, ['a'], { $gt: '' }, { $ne: null }]) {
      const tenant = claim as string
      for (const filter of FILTERS)
        await expect(store.list({ ...EVERYTHING, ...filter, tenant })).rejects.toThrow(TypeError)
      await expect(store.counts(tenant)).rejects.toThrow(TypeError)
    }
  })
}
