import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
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

/** Writes job after job into slot 0, whose parts all bear the same number, until it is told to stop. */
const WRITER = `
  const { parentPort, workerData } = require('node:worker_threads')
  import(workerData.module).then(({ HeldTable }) => {
    const table = new HeldTable(1, workerData.buffer)
    for (let n = 0; Atomics.load(workerData.stop, 0) === 0; n++) {
      if (n % 5 === 4) table.free(0)
      else table.set(0, { jobId: 'job-' + n, ackSubject: 'ack-' + n, deadlineMs: n })
    }
    parentPort.postMessage('done')
  })`

test('a job that is read while another thread writes is never made of two', async () => {
  const table = new HeldTable(1)
  const module = new URL('./held-table.ts', import.meta.url).href
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const writer = new Worker(WRITER, { eval: true, workerData: { module, buffer: table.buffer, stop } })
  const done = once(writer, 'message')
  const seen = new Set<number>()
  const mixed: unknown[] = []
  // However rarely this thread runs beside the other, it sees enough.
  while (seen.size < 100 && mixed.length === 0) {
    for (let reads = 0; reads < 1_000; reads++) {
      for (const held of table.held()) {
        seen.add(held.deadlineMs)
        if (held.jobId !== `job-${held.deadlineMs}` || held.ackSubject !== `ack-${held.deadlineMs}`) mixed.push(held)
      }
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  Atomics.store(stop, 0, 1)
  await done
  await writer.terminate()
  expect(mixed).toEqual([])
})
