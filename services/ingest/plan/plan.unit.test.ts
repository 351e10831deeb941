import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { newShardRecord, type ShardRecord } from '#shared/contracts/log/ingest.ts'
import { commitBatches } from './commit-batches.ts'
import { nextRecord, plannedSince, type Situation } from './next-record.ts'
import { forgetBeyond, takeOver } from './take-over.ts'

const AT = '2026-11-22T18:00:00.000Z'
const SETTINGS = { batchSize: 5, workersMin: 3, workersMax: 4 }
const BY = { replicaId: 'a', at: AT, workersMin: 3, workersMax: 4, countsAsFailure: false }
const fresh = (): ShardRecord => takeOver(newShardRecord(2), BY)

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)
const loadsOf = ({ open }: ShardRecord) =>
  new Map(
    [...new Set(open.map(({ worker }) => worker))].map((w) => [w, open.filter(({ worker }) => worker === w).length]),
  )
const plan = (record: ShardRecord, seqs: number[], more: Partial<Situation> = {}) =>
  nextRecord(
    record,
    {
      ends: [],
      waiting: { seqs, due: 0 },
      loads: loadsOf(record),
      lastWorkerIsIdle: false,
      at: AT,
      ...more,
    },
    SETTINGS,
  )
const done = (record: ShardRecord) => record.open.map(({ batch, count }) => ({ batch, done: count, dead: 0, left: [] }))

test('four messages make no batch, five make one', () => {
  const record = fresh()
  expect(plan(record, range(11, 4))).toBe(record)
  const { open, next_batch, planned_seq } = plan(record, range(11, 5))
  expect(open).toEqual([{ batch: 1, worker: '2-0', from_seq: 11, to_seq: 15, count: 5, failed: 0 }])
  expect({ next_batch, planned_seq }).toEqual({ next_batch: 2, planned_seq: 15 })
})

test('messages that waited long enough go in a batch that is not whole, and take no younger ones into a second', () => {
  const { open } = plan(fresh(), range(1, 8), { waiting: { seqs: range(1, 8), due: 2 } })
  expect(open.map(({ count }) => count)).toEqual([5])
  expect(plan(fresh(), [3, 9], { waiting: { seqs: [3, 9], due: 1 } }).open).toMatchObject([{ from_seq: 3, to_seq: 9 }])
})

test('each worker has one batch to run and one after it; then the pool grows by one, and no further', () => {
  const record = plan(fresh(), range(1, 200))
  expect(record.pool).toBe(4)
  expect(loadsOf(record)).toEqual(new Map(['2-0', '2-1', '2-2', '2-3'].map((worker) => [worker, 2])))
  expect(plan(record, range(41, 100))).toBe(record)
})

test('a pool whose workers are all busy grows only for a whole batch', () => {
  const record = plan(fresh(), range(1, 34))
  expect(record.open).toHaveLength(6)
  expect(record.pool).toBe(3)
})

test('the fourth worker goes when it is idle, the third stays', () => {
  const grown = plan(fresh(), range(1, 200))
  const idle = { waiting: { seqs: [], due: 0 }, lastWorkerIsIdle: true }
  const smaller = plan(grown, [], { ...idle, ends: done(grown) })
  expect(smaller.pool).toBe(3)
  expect(smaller.workers).toHaveLength(4)
  expect(plan(smaller, [], idle)).toBe(smaller)
})

test('of workers that are equally free the one that has done least comes first', () => {
  let record = plan(fresh(), range(1, 5))
  for (let n = 1; n < 6; n++) record = plan(record, range(n * 5 + 1, 5), { ends: done(record), loads: new Map() })
  record = commitBatches(record, done(record))
  expect(record.workers.map(({ messages_total }) => messages_total)).toEqual([10, 10, 10])
})

test('nothing is planned while too many batches wait for their next attempt', () => {
  let record = fresh()
  for (let n = 0; n < 100; n++) record = plan(record, range(n * 50 + 1, 50), { loads: new Map() })
  expect(record.open).toHaveLength(64)
})

test('what an attempt left stays open and is counted once, when it is done', () => {
  const record = plan(fresh(), range(1, 5))
  const once = commitBatches(record, [{ batch: 1, done: 2, dead: 1, left: [3, 5] }])
  expect(once.open).toMatchObject([{ batch: 1, from_seq: 1, to_seq: 5, count: 5, failed: 1, left: [3, 5] }])
  const twice = commitBatches(once, [{ batch: 1, done: 2, dead: 0, left: [] }])
  expect(twice.open).toEqual([])
  expect(twice.workers[0]).toMatchObject({ messages_total: 4, batches_total: 1 })
  expect(twice.dead_total).toBe(1)
})

test('who takes over starts the workers anew, and leaves their totals and the open batches as they are', () => {
  const before = plan(
    commitBatches(plan(fresh(), range(1, 5)), [{ batch: 1, done: 5, dead: 0, left: [] }]),
    range(6, 5),
  )
  const after = takeOver(before, { ...BY, replicaId: 'b', at: 'later' })
  expect(after).toMatchObject({ owner: 'b', term: 2, open: before.open })
  expect(after.workers[0]).toMatchObject({ started_at: 'later', messages_since_start: 0, messages_total: 5 })
  expect(takeOver(before, { ...BY, countsAsFailure: true }).open).toMatchObject([{ batch: 2, failed: 1 }])
})

test('where the stream lost its end, what was planned of it is forgotten', () => {
  const record = plan(fresh(), range(1, 15))
  const { planned_seq, open } = forgetBeyond(record, 8)
  expect(planned_seq).toBe(8)
  expect(open).toMatchObject([
    { batch: 1, to_seq: 5 },
    { batch: 2, to_seq: 8 },
  ])
})

test('whatever comes together in whatever order, each message is in exactly one batch and counted once', () => {
  const step = fc.record({ arrived: fc.nat(40), due: fc.nat(40), ended: fc.nat(8), taken: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let record = fresh()
      let waiting: number[] = []
      let nextSeq = 1
      const planned: number[] = []
      for (const { arrived, due, ended, taken } of steps) {
        // Messages of other shards lie in between.
        for (let n = 0; n < arrived; n++) waiting.push((nextSeq += 1 + (n % 3)))
        if (taken) record = takeOver(record, BY)
        const ends = done(record).slice(0, ended)
        const loads = loadsOf(commitBatches(record, ends))
        const next = plan(record, waiting, { ends, waiting: { seqs: waiting, due }, loads })
        for (const batch of plannedSince(record, next)) {
          const seqs = waiting.slice(0, batch.count)
          expect([seqs[0], seqs.at(-1)]).toEqual([batch.from_seq, batch.to_seq])
          planned.push(...seqs)
          waiting = waiting.slice(batch.count)
        }
        expect(next.planned_seq).toBe(planned.at(-1) ?? 0)
        record = next
      }
      record = commitBatches(record, done(record))
      expect(planned).toEqual([...new Set(planned)].toSorted((a, b) => a - b))
      expect(record.workers.reduce((sum, { messages_total }) => sum + messages_total, 0)).toBe(planned.length)
    }),
  )
})
