import { expect, test } from 'vitest'
import { assignedTo } from './assign-shards.ts'

const shards = [0, 1, 2, 3]

test('every shard is one replica’s, and each replica has its share', () => {
  for (const replicas of [['a'], ['b', 'a'], ['c', 'a', 'b'], ['a', 'b', 'c', 'd', 'e']]) {
    const shares = replicas.map((replica) => assignedTo(replica, replicas, shards))
    expect(shares.flat().toSorted((a, b) => a - b)).toEqual(shards)
    expect(Math.max(...shares.map((share) => share.length))).toBe(Math.ceil(4 / replicas.length))
  }
})

test('a replica counts itself, also where its sign of life is not seen yet', () => {
  expect(assignedTo('b', ['a'], shards)).toEqual([1, 3])
})

test('a shard that is there only until it is empty moves no other', () => {
  expect(assignedTo('a', ['a', 'b'], [7, ...shards])).toEqual([0, 2, 7])
})
