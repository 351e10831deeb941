import { describe, expect, test } from 'vitest'
import { HOSTILE_VALUES, minute } from '../jobs/conformance/records.ts'
import type { FreshStore } from '../open-fresh.ts'
import type { AttemptRecord, AttemptStore, WorkerRecord } from './attempt-store.ts'

const workerRecord = (workerId: string, fields: Partial<WorkerRecord> = {}): WorkerRecord => ({
  worker_id: workerId,
  host: 'host',
  pid: 1,
  version: '0.0.0',
  types: ['sleep', 'add'],
  slots: 10,
  started_at: minute(1),
  beat_at: minute(2),
  stopped_at: null,
  running_count: 0,
  processed: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
  running: [],
  ...fields,
})

const attemptRecord = (workerId: string, seq: number, fields: Partial<AttemptRecord> = {}): AttemptRecord => ({
  worker_id: workerId,
  seq,
  job_id: `job-${seq}`,
  type: 'sleep',
  attempt: 1,
  started_at: minute(1),
  ended_at: minute(2),
  outcome: 'finished',
  error: null,
  ...fields,
})

const FROM_NEWEST = Number.MAX_SAFE_INTEGER

const seqsOf = async (store: AttemptStore, workerId: string, belowSeq = FROM_NEWEST, limit = 1_000) =>
  (await store.listAttempts({ workerId, belowSeq, limit })).map(({ seq }) => seq)

const idsOf = async (store: AttemptStore, live: boolean | null, liveSince = minute(0), limit = 100) =>
  (await store.listWorkers({ live, liveSince, limit })).map((worker) => worker.worker_id)

/** The tests that every AttemptStore must pass. Call it in a test file of the adapter. */
export function testAttemptStore(name: string, open: () => Promise<FreshStore<AttemptStore>>): void {
  describe(`${name} as an AttemptStore`, () => {
    test('a worker comes back as it was saved last, and its attempts as they were', async () => {
      await using opened = await open()
      const { store } = opened
      const running = [{ job_id: 'job-9', type: 'sleep', attempt: 2, started_at: minute(2) }]
      await store.save(workerRecord('a'), [])
      const last = workerRecord('a', { beat_at: minute(3), processed: 2, failed: 1, running_count: 1, running })
      const attempts = HOSTILE_VALUES.map((value, n) =>
        attemptRecord('a', n + 1, {
          outcome: n % 2 === 0 ? 'failed' : 'superseded',
          error: n % 2 === 0 ? { name: '$error', message: JSON.stringify(value) ?? 'a.b', code: '$code' } : null,
        }),
      )
      await store.save(last, attempts)
      expect(await store.getWorker('a')).toEqual(last)
      expect(await store.listAttempts({ workerId: 'a', belowSeq: FROM_NEWEST, limit: 100 })).toEqual(
        attempts.toReversed(),
      )
      const { running: _running, ...summary } = last
      expect(await store.listWorkers({ live: null, liveSince: minute(0), limit: 10 })).toEqual([summary])
    })

    test('nobody and nothing are null and empty', async () => {
      await using opened = await open()
      expect(await opened.store.getWorker('a')).toBeNull()
      expect(await idsOf(opened.store, null)).toEqual([])
      expect(await seqsOf(opened.store, 'a')).toEqual([])
      expect(await opened.store.deleteBefore(minute(9), 10)).toBe(0)
    })

    test('what is saved twice is there once', async () => {
      await using opened = await open()
      const { store } = opened
      const attempts = Array.from({ length: 50 }, (_, n) => attemptRecord('a', n + 1))
      await store.save(workerRecord('a'), attempts.slice(0, 30))
      await store.save(workerRecord('a', { processed: 50 }), attempts)
      expect(await seqsOf(store, 'a')).toEqual(attempts.map(({ seq }) => seq).toReversed())
      expect(await store.getWorker('a')).toMatchObject({ processed: 50 })
    })

    test('pages have no gap and no repeat, also while new attempts come, and never show another worker', async () => {
      await using opened = await open()
      const { store } = opened
      const some = (id: string, from: number, to: number) =>
        Array.from({ length: to - from + 1 }, (_, n) => attemptRecord(id, from + n))
      await store.save(workerRecord('a'), some('a', 1, 25))
      // Ids that begin alike, and numbers of different length.
      await store.save(workerRecord('a-b'), some('a-b', 1, 12))
      await store.save(workerRecord('b'), some('b', 99, 101))
      const seen: number[] = []
      for (let below = FROM_NEWEST; ; ) {
        const page = await seqsOf(store, 'a', below, 7)
        seen.push(...page)
        if (page.length < 7) break
        below = page.at(-1) ?? 0
        await store.save(workerRecord('a'), some('a', 26 + seen.length, 26 + seen.length))
      }
      expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => 25 - n))
      expect(await seqsOf(store, 'a-b')).toHaveLength(12)
      expect(await seqsOf(store, 'b', 101, 10)).toEqual([100, 99])
      expect(await seqsOf(store, '')).toEqual([])
    })

    test('workers are listed newest start first, all of them or by whether they live', async () => {
      await using opened = await open()
      const { store } = opened
      await store.save(workerRecord('silent', { started_at: minute(1), beat_at: minute(4) }), [])
      await store.save(
        workerRecord('stopped', { started_at: minute(3), beat_at: minute(6), stopped_at: minute(6) }),
        [],
      )
      await store.save(workerRecord('live', { started_at: minute(2), beat_at: minute(5) }), [])
      await store.save(workerRecord('young', { started_at: minute(5), beat_at: minute(6) }), [])
      expect(await idsOf(store, null, minute(5))).toEqual(['young', 'stopped', 'live', 'silent'])
      expect(await idsOf(store, true, minute(5))).toEqual(['young', 'live'])
      expect(await idsOf(store, false, minute(5))).toEqual(['stopped', 'silent'])
      expect(await idsOf(store, null, minute(5), 2)).toEqual(['young', 'stopped'])
    })

    test('old attempts and workers that are long silent are deleted, some at a time', async () => {
      await using opened = await open()
      const { store } = opened
      const ofMinute = (id: string, seq: number) => attemptRecord(id, seq, { ended_at: minute(seq) })
      await store.save(
        workerRecord('dead', { beat_at: minute(3) }),
        [1, 2, 3].map((seq) => ofMinute('dead', seq)),
      )
      await store.save(
        workerRecord('live', { beat_at: minute(9) }),
        [1, 2, 5, 6].map((seq) => ofMinute('live', seq)),
      )
      expect(await store.deleteBefore(minute(1), 10)).toBe(0)
      expect(await store.deleteBefore(minute(3), 3)).toBe(3)
      expect(await store.deleteBefore(minute(3), 3)).toBe(1)
      expect(await store.getWorker('dead')).not.toBeNull()
      expect(await store.deleteBefore(minute(5), 10)).toBe(2)
      expect(await idsOf(store, null)).toEqual(['live'])
      expect(await seqsOf(store, 'dead')).toEqual([])
      expect(await seqsOf(store, 'live')).toEqual([6, 5])
    })

    test('what one replica saved another sees at once, and it is there after a close', async () => {
      await using opened = await open()
      const other = await opened.openAgain()
      await Promise.all([
        opened.store.save(workerRecord('a'), [attemptRecord('a', 1)]),
        other.save(workerRecord('b'), [attemptRecord('b', 1)]),
      ])
      expect((await idsOf(other, null)).toSorted()).toEqual(['a', 'b'])
      await opened.store.close()
      await opened.store.close()
      await expect(opened.store.getWorker('a')).rejects.toThrow()
      expect(await seqsOf(await opened.openAgain(), 'a')).toEqual([1])
    })
  })
}
