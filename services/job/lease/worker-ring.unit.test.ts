import { expect, test } from 'vitest'
import { WorkerRing } from './worker-ring.ts'

const list = (worker_id: string, state: 'here' | 'left' = 'here', held: string[] = []) => ({
  worker_id,
  state,
  server_id: 's',
  held,
})
const idsOf = (ring: WorkerRing, count = 9) => ring.next(count).map(({ workerId }) => workerId)

test('a worker watches those that come next, the first after the last, and never itself', () => {
  const ring = new WorkerRing('c')
  for (const id of ['a', 'd', 'b', 'c', 'e']) ring.hear(list(id), 0)
  expect(idsOf(ring)).toEqual(['d', 'e', 'a', 'b'])
  expect(idsOf(ring, 2)).toEqual(['d', 'e'])
})

test('who has left is not watched any more; who is heard again is', () => {
  const ring = new WorkerRing('a')
  ring.hear(list('b'), 0)
  const [neighbour] = ring.next(1)
  ring.hear(list('b', 'left'), 1)
  expect(idsOf(ring)).toEqual([])
  ring.hear(list('b'), 2)
  expect(idsOf(ring)).toEqual(['b'])
  expect(ring.has(neighbour!)).toBe(false)
})

test('a silent worker is forgotten after a minute, unless it is watched: it may be frozen, and die', () => {
  const ring = new WorkerRing('a')
  for (const id of ['b', 'c']) ring.hear(list(id), 0)
  ring.forgetOld(60_001, 1)
  expect(idsOf(ring)).toEqual(['b'])
})

test('the jobs of a dead worker are shared by the others', () => {
  const ring = new WorkerRing('a')
  ring.hear(list('b', 'here', ['1', '2', '3']), 0)
  ring.hear(list('c'), 0)
  expect(ring.shareOf('b')).toBe(2)
  expect(ring.shareOf('c')).toBe(1)
})

test('with fewer jobs than workers those have one that come next, and one of them one more', () => {
  const shares = (held: string[]) =>
    ['a', 'c', 'd', 'e', 'f'].map((own) => {
      const ring = new WorkerRing(own)
      for (const id of ['a', 'c', 'd', 'e', 'f']) ring.hear(list(id), 0)
      ring.hear(list('b', 'here', held), 0)
      return ring.shareOf('b')
    })
  expect(shares([])).toEqual([0, 1, 0, 0, 0])
  expect(shares(['1'])).toEqual([0, 1, 1, 0, 0])
  expect(shares(['1', '2', '3', '4'])).toEqual([1, 1, 1, 1, 1])
})
