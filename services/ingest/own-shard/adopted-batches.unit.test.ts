import { expect, test } from 'vitest'
import { AdoptedBatches } from './adopted-batches.ts'

const batch = (n: number, from: number, to: number, left?: number[]) => ({
  batch: n,
  worker: '0-0',
  from_seq: from,
  to_seq: to,
  count: to - from + 1,
  failed: 0,
  ...(left === undefined ? {} : { left }),
})
const message = (seq: number) => ({ seq, storedNs: '0', body: '', arrivedMs: 0 })

test('gets back what was in each batch, and nothing of those between, which are done', () => {
  const adopted = new AdoptedBatches([batch(3, 1, 3), batch(5, 7, 9, [8])])
  for (const seq of [1, 2, 3, 4, 5, 6]) adopted.add(message(seq))
  expect(adopted.takeUpTo(6).map(({ messages }) => messages.map(({ seq }) => seq))).toEqual([[1, 2, 3]])
  for (const seq of [7, 8]) adopted.add(message(seq))
  expect(adopted.takeUpTo(8)).toEqual([])
  adopted.add(message(9))
  expect(adopted.takeUpTo(9).map(({ messages }) => messages.map(({ seq }) => seq))).toEqual([[8]])
  expect(adopted.isEmpty).toBe(true)
})
