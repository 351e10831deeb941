import { expect, test } from 'vitest'
import type { LaneInfo } from './lanes.ts'
import { withoutEnded } from './without-ended.ts'

const lane = (type: string, pending: number, ackPending = 0): LaneInfo => ({ type, pending, ackPending }) as LaneInfo
const pendingIn = (lanes: LaneInfo[], unfinished: Record<string, number>) =>
  withoutEnded(lanes, new Map(Object.entries(unfinished))).map(({ pending }) => pending)

test('no more jobs wait than there are unfinished ones that no worker has', () => {
  expect(pendingIn([lane('a', 2), lane('a', 3), lane('b', 1)], { a: 5, b: 1 })).toEqual([2, 3, 1])
  expect(pendingIn([lane('a', 2), lane('a', 3), lane('b', 1)], { a: 3 })).toEqual([2, 1, 0])
  expect(pendingIn([lane('a', 2, 1), lane('a', 3, 1)], { a: 4 })).toEqual([2, 0])
  // Those that wait for another attempt are in no lane.
  expect(pendingIn([lane('a', 2)], { a: 9 })).toEqual([2])
})
