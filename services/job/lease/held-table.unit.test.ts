import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type HeldJob, HeldTable } from './held-table.ts'

const text = (maxLength: number) => fc.string({ minLength: 1, maxLength })
const job = fc.record({ jobId: text(40), ackSubject: text(200), deadlineMs: fc.double({ noNaN: true }) })
const step = fc.record({ slot: fc.nat(3), job: fc.option(job) })

test('what one thread writes another reads from the same memory, and nothing of what is over', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const table = new HeldTable(4)
      const seen = new HeldTable(4, table.buffer)
      const model = new Map<number, HeldJob>()
      for (const { slot, job: held } of steps) {
        if (held === null) {
          table.free(slot)
          model.delete(slot)
        } else {
          table.set(slot, held)
          model.set(slot, held)
        }
      }
      const expected = [...model].toSorted(([a], [b]) => a - b).map(([, held]) => held)
      expect([...seen.held()]).toEqual(expected)
    }),
  )
})

test('an ack subject that has no room is refused, and its slot is free then', () => {
  const table = new HeldTable(1)
  table.set(0, { jobId: 'a', ackSubject: 'x', deadlineMs: 1 })
  expect(() => table.set(0, { jobId: 'b', ackSubject: 'y'.repeat(2_000), deadlineMs: 1 })).toThrow('too long')
  expect([...table.held()]).toEqual([])
})
