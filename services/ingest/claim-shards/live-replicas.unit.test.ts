import { expect, test } from 'vitest'
import { readSigns } from './live-replicas.ts'

test('one that leaves lives and is assigned nothing, also while its first sign is still there', () => {
  expect(readSigns(['a', 'b', 'b:leaving', 'c:leaving'])).toEqual({ live: ['a', 'b', 'c'], staying: ['a'] })
})
