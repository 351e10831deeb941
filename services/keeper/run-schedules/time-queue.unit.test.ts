import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TimeQueue } from './time-queue.ts'

const key = fc.integer({ min: 0, max: 20 })
const step = fc.oneof(
  fc.record({ act: fc.constant('set' as const), key, atMs: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ act: fc.constant('delete' as const), key, atMs: fc.constant(0) }),
  fc.record({ act: fc.constant('take' as const), key: fc.constant(0), atMs: fc.integer({ min: 0, max: 30 }) }),
)

test('whatever is set, deleted and taken, the earliest comes first and nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = new TimeQueue<number>()
      const simple = new Map<number, number>()
      for (const { act, key: which, atMs } of steps) {
        const firstMs = Math.min(...simple.values())
        expect(queue.firstMs).toBe(firstMs)
        if (act === 'set') {
          queue.set(which, atMs)
          simple.set(which, atMs)
        } else if (act === 'delete') {
          queue.delete(which)
          simple.delete(which)
        } else {
          const taken = queue.takeDue(atMs)
          expect(taken === undefined ? undefined : simple.get(taken)).toBe(firstMs <= atMs ? firstMs : undefined)
          if (taken !== undefined) simple.delete(taken)
        }
        expect(queue.size).toBe(simple.size)
      }
    }),
    { numRuns: 300 },
  )
})
