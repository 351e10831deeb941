import { expect, test } from 'vitest'
import { Remembered } from './remembered.ts'

test('a value is kept for its time, and the oldest goes first where there are too many', () => {
  let now = 0
  const remembered = new Remembered<number>({ monotonic: () => now }, { keptMs: 100, max: 2 })
  remembered.set('a', 1)
  now = 50
  remembered.set('b', 2)
  expect([remembered.get('a'), remembered.get('b')]).toEqual([1, 2])
  remembered.set('c', 3)
  expect([remembered.get('a'), remembered.get('b'), remembered.get('c')]).toEqual([undefined, 2, 3])
  now = 151
  expect([remembered.get('b'), remembered.get('c')]).toEqual([undefined, undefined])
  remembered.set('d', 4)
  remembered.delete('d')
  expect(remembered.get('d')).toBeUndefined()
})
