import { describe, expect, test } from 'vitest'
import { REQUEST_STATUSES } from '#shared/contracts/http/requests.ts'
import { HOSTILE_VALUES, idOf, minute } from '../jobs/conformance/records.ts'
import { AFTER_EVERY_ID } from '../jobs/job-store.ts'
import type { FreshStore } from '../open-fresh.ts'
import type { RequestQuery, RequestRow, RequestStore } from './request-store.ts'

export interface RequestStoreOptions {
  /** Whether a guarded update is atomic against rivals; the test of races is skipped, by name, where it is not. */
  atomicUpdates: boolean
}

const requestRow = (n: number, seq: number, fields: Partial<RequestRow> = {}): RequestRow => ({
  request_id: idOf(n),
  generation: 1,
  seq,
  tenant: null,
  status: 'inprogress',
  ended_at: '',
  summary: { n },
  record: { n, seq },
  ...fields,
})

const listed = async (store: RequestStore, query: Partial<RequestQuery> = {}): Promise<string[]> => {
  const all = { statuses: null, tenant: null, belowId: AFTER_EVERY_ID, limit: 1_000 }
  return (await store.list({ ...all, ...query })).map((row) => row.request_id)
}

/** @returns ids, newest first */
const idsOf = (...numbers: number[]): string[] => numbers.toSorted((a, b) => b - a).map(idOf)

const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** The tests that every RequestStore must pass. Call it in a test file of the adapter. */
export function testRequestStore(
  name: string,
  open: () => Promise<FreshStore<RequestStore>>,
  { atomicUpdates }: RequestStoreOptions,
): void {
  describe(`${name} as a RequestStore`, () => {
    test('a request comes back as it was written, and in a list without its record', async () => {
      await using opened = await open()
      const { store } = opened
      const rows = HOSTILE_VALUES.map((value, n) =>
        requestRow(n, n + 1, {
          summary: value,
          record: { value, deep: [value] },
          tenant: n % 2 === 0 ? null : '$tenant.a b',
          status: REQUEST_STATUSES[n % REQUEST_STATUSES.length] ?? 'queuing',
          ended_at: n % 2 === 0 ? '' : minute(n),
        }),
      )
      await store.putNewer(rows)
      for (const row of rows) expect(await store.get(row.request_id)).toEqual(row)
      const page = await store.list({ statuses: null, tenant: null, belowId: AFTER_EVERY_ID, limit: 100 })
      expect(page).toEqual(rows.map(({ record: _record, ...summary }) => summary).toReversed())
    })

    test('nobody and nothing are null and empty', async () => {
      await using opened = await open()
      const { store } = opened
      await store.putNewer([])
      await store.ping()
      expect(await store.get(idOf(1))).toBeNull()
      expect(await listed(store)).toEqual([])
      expect(await listed(store, { statuses: ['failed'], tenant: 'a' })).toEqual([])
      expect(await store.deleteEndedBefore(minute(9), 10)).toBe(0)
    })

    test('the versions of some requests are those that are stored', async () => {
      await using opened = await open()
      const { store } = opened
      await store.putNewer([requestRow(1, 5), requestRow(2, 6, { generation: 2 }), requestRow(3, 7)])
      await store.putNewer([requestRow(1, 8)])
      const versions = await store.versionsOf([idOf(1), idOf(2), idOf(4)])
      expect(versions.toSorted((a, b) => a.seq - b.seq)).toEqual([
        { request_id: idOf(2), generation: 2, seq: 6 },
        { request_id: idOf(1), generation: 1, seq: 8 },
      ])
      expect(await store.versionsOf([])).toEqual([])
    })

    test('a newer version replaces a request whole, an older one or the same changes nothing', async () => {
      await using opened = await open()
      const { store } = opened
      const seen = async () => (await store.get(idOf(1)))?.record
      await store.putNewer([requestRow(1, 5)])
      await store.putNewer([requestRow(1, 4, { record: 'older' }), requestRow(1, 5, { record: 'the same' })])
      expect(await seen()).toEqual({ n: 1, seq: 5 })
      const ended = requestRow(1, 6, { status: 'completed', ended_at: minute(6), summary: 's', record: 'ended' })
      await store.putNewer([ended])
      expect(await store.get(idOf(1))).toEqual(ended)
      // Another log counts from 1 again, and is later than everything in the one before.
      await store.putNewer([requestRow(1, 1, { generation: 2, record: 'another log' })])
      await store.putNewer([requestRow(1, 9, { record: 'the log before' })])
      expect(await seen()).toBe('another log')
      expect((await store.get(idOf(1)))?.ended_at).toBe('')
    })

    test('of several versions in one call the newest wins, in whatever order they come', async () => {
      await using opened = await open()
      const { store } = opened
      const versions = [3, 1, 5, 2, 4]
      await store.putNewer(versions.flatMap((seq) => range(40).map((n) => requestRow(n, seq))))
      for (const n of [0, 20, 39]) expect((await store.get(idOf(n)))?.seq).toBe(5)
      expect(await listed(store)).toHaveLength(40)
      await store.putNewer(range(60).map((n) => requestRow(n, n % 2 === 0 ? 4 : 6)))
      const seqs = await Promise.all([0, 1, 58, 59].map(async (n) => (await store.get(idOf(n)))?.seq))
      expect(seqs).toEqual([5, 6, 4, 6])
    })

    test('pages are newest first and have no gap and no repeat, also while new requests come', async () => {
      await using opened = await open()
      const { store } = opened
      await store.putNewer(range(25).map((n) => requestRow(n, n + 1)))
      const seen: string[] = []
      for (let belowId = AFTER_EVERY_ID; ; ) {
        const page = await listed(store, { belowId, limit: 7 })
        seen.push(...page)
        if (page.length < 7) break
        belowId = page.at(-1) ?? ''
        await store.putNewer([requestRow(100 + seen.length, 200 + seen.length)])
      }
      expect(seen).toEqual(idsOf(...range(25)))
      expect(await listed(store, { belowId: idOf(0) })).toEqual([])
    })

    test('a list is by statuses and by tenant, and of one tenant it shows no other’s', async () => {
      await using opened = await open()
      const { store } = opened
      const tenants = ['a', 'A', 'a ', 'é', 'e\u0301', '$ne', 'null', '__proto__', null]
      const rows = range(90).map((n) =>
        requestRow(n, n + 1, {
          status: REQUEST_STATUSES[n % REQUEST_STATUSES.length] ?? 'queuing',
          tenant: tenants[n % tenants.length] ?? null,
        }),
      )
      await store.putNewer(rows)
      const expected = ({ statuses = null, tenant = null }: Partial<RequestQuery>) =>
        rows
          .filter((row) => statuses === null || statuses.includes(row.status))
          .filter((row) => tenant === null || row.tenant === tenant)
          .map((row) => row.request_id)
          .toReversed()
      for (const tenant of [...tenants, 'nobody']) {
        for (const statuses of [null, ['failed'], ['queuing', 'inprogress'], [...REQUEST_STATUSES]] as const) {
          const query = { tenant, statuses: statuses === null ? null : [...statuses] }
          expect(await listed(store, query)).toEqual(expected(query))
          expect(await listed(store, { ...query, limit: 3, belowId: idOf(60) })).toEqual(
            expected(query)
              .filter((id) => id < idOf(60))
              .slice(0, 3),
          )
        }
      }
      expect(await listed(store, { statuses: ['failed', 'failed'] })).toEqual(expected({ statuses: ['failed'] }))
      expect(await listed(store, { statuses: [] })).toEqual([])
    })

    test.each([undefined, '', 1, {}, { $ne: '' }, ['a']])('%j is nobody’s name', async (tenant) => {
      await using opened = await open()
      const query = { tenant: tenant as string }
      await expect(listed(opened.store, query)).rejects.toThrow(TypeError)
    })

    test('a request changes its place in the lists with its status', async () => {
      await using opened = await open()
      const { store } = opened
      await store.putNewer([requestRow(1, 1, { tenant: 'a' }), requestRow(2, 2, { tenant: 'a' })])
      await store.putNewer([requestRow(1, 3, { tenant: 'a', status: 'failed', ended_at: minute(3) })])
      for (const tenant of ['a', null]) {
        expect(await listed(store, { tenant, statuses: ['inprogress'] })).toEqual(idsOf(2))
        expect(await listed(store, { tenant, statuses: ['failed'] })).toEqual(idsOf(1))
        expect(await listed(store, { tenant })).toEqual(idsOf(1, 2))
      }
    })

    test('the requests that have not ended are counted by their status', async () => {
      await using opened = await open()
      const { store } = opened
      expect(await store.countOpen()).toEqual({ queuing: 0, inprogress: 0 })
      await store.putNewer([
        requestRow(1, 1, { status: 'queuing' }),
        requestRow(2, 2),
        requestRow(3, 3),
        requestRow(4, 4, { status: 'completed', ended_at: minute(4) }),
      ])
      expect(await store.countOpen()).toEqual({ queuing: 1, inprogress: 2 })
      await store.putNewer([requestRow(1, 5), requestRow(2, 6, { status: 'failed', ended_at: minute(2) })])
      expect(await store.countOpen()).toEqual({ queuing: 0, inprogress: 2 })
    })

    test('requests that ended long ago are deleted, some at a time, and none that has not ended', async () => {
      await using opened = await open()
      const { store } = opened
      const ended = range(6).map((n) => requestRow(n, n + 1, { status: 'completed', ended_at: minute(n) }))
      await store.putNewer([...ended, requestRow(7, 8)])
      expect(await store.deleteEndedBefore(minute(0), 10)).toBe(0)
      expect(await store.deleteEndedBefore(minute(4), 3)).toBe(3)
      expect(await store.deleteEndedBefore(minute(4), 3)).toBe(1)
      expect(await store.deleteEndedBefore(minute(4), 3)).toBe(0)
      expect(await listed(store)).toEqual(idsOf(4, 5, 7))
      // A request that an operator retried has not ended any more.
      await store.putNewer([requestRow(4, 9)])
      expect(await store.deleteEndedBefore(minute(99), 10)).toBe(1)
      expect(await listed(store)).toEqual(idsOf(4, 7))
    })

    test('what one replica wrote another sees at once, and it is there after a close', async () => {
      await using opened = await open()
      const other = await opened.openAgain()
      await Promise.all([opened.store.putNewer([requestRow(1, 1)]), other.putNewer([requestRow(2, 2)])])
      expect(await listed(other)).toEqual(idsOf(1, 2))
      await opened.store.close()
      await opened.store.close()
      await expect(opened.store.get(idOf(1))).rejects.toThrow()
      await expect(opened.store.ping()).rejects.toThrow()
      expect(await (await opened.openAgain()).get(idOf(1))).toEqual(requestRow(1, 1))
    })

    const racing = atomicUpdates ? test : test.skip
    const skipped = atomicUpdates ? '' : ' (skipped: updates are not atomic on this server)'
    racing(`of writers that race the newest version wins, also when nothing was stored before${skipped}`, async () => {
      await using opened = await open()
      const other = await opened.openAgain()
      for (const round of range(20)) {
        const seqs = range(8).map((writer) => ((writer * 3 + round) % 8) + 1)
        const storeOf = (writer: number) => (writer % 2 === 0 ? opened.store : other)
        await Promise.all(seqs.map((seq, writer) => storeOf(writer).putNewer([requestRow(round, seq)])))
        expect((await other.get(idOf(round)))?.record).toEqual({ n: round, seq: 8 })
      }
    })
  })
}
