import { expect, test } from 'vitest'
import { newShardRecord } from '#shared/contracts/log/ingest.ts'
import { DonePurger } from './purge-done.ts'

test('what is done is removed once, and nothing while the shard’s new messages have sequences of lost ones', async () => {
  const purged: [shard: number, below: number][] = []
  const rewritten = new Set([1])
  const purger = new DonePurger({
    purgeBelow: async (shard, seq) => void purged.push([shard, seq]),
    findRewrittenTail: async (shard) => (rewritten.has(shard) ? 3 : null),
  })
  const open = [{ batch: 2, worker: '0-0', from_seq: 6, to_seq: 9, count: 4, failed: 0 }]
  const records = [
    { ...newShardRecord(0), planned_seq: 9, open },
    { ...newShardRecord(1), planned_seq: 9 },
  ]
  await purger.purge(records)
  await purger.purge(records)
  expect(purged).toEqual([[0, 6]])
  rewritten.clear()
  await purger.purge(records)
  expect(purged).toEqual([
    [0, 6],
    [1, 10],
  ])
})
