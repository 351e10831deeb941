import { expect, test } from 'vitest'
import { RUNNING_SHOWN_MAX } from '#shared/contracts/http/workers.ts'
import { AttemptRecorder } from './attempt-recorder.ts'

function newRecorder(maxBuffered = 10) {
  let nowMs = 0
  const dropped: number[] = []
  const recorder = new AttemptRecorder({
    worker: {
      worker_id: 'w',
      host: 'h',
      pid: 1,
      version: '0',
      types: ['sleep'],
      slots: 10,
      started_at: '1970-01-01T00:00:00.000Z',
    },
    clock: { now: () => nowMs++, monotonic: () => nowMs },
    maxBuffered,
    onDropped: (count) => dropped.push(count),
  })
  const runOne = (n: number) => {
    recorder.begin(`job-${n}`, 'sleep', 1)
    recorder.end(`job-${n}`, 'finished', null)
  }
  return { recorder, dropped, runOne }
}

const idsOf = (attempts: { job_id: string }[]) => attempts.map(({ job_id }) => job_id)

test('what ended is taken once, oldest first, and comes again when it was put back', () => {
  const { recorder, runOne } = newRecorder()
  for (let n = 1; n <= 3; n++) runOne(n)
  const taken = recorder.take(2)
  expect(idsOf(taken)).toEqual(['job-1', 'job-2'])
  runOne(4)
  recorder.putBack(taken)
  const all = recorder.take(10)
  expect(idsOf(all)).toEqual(['job-1', 'job-2', 'job-3', 'job-4'])
  expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  expect(recorder.take(10)).toEqual([])
})

test('beyond the bound the oldest are dropped and counted, also of what is put back; the counts know them all', () => {
  const { recorder, dropped, runOne } = newRecorder(5)
  for (let n = 1; n <= 7; n++) runOne(n)
  expect(dropped).toEqual([1, 1])
  const taken = recorder.take(10)
  expect(idsOf(taken)).toEqual(['job-3', 'job-4', 'job-5', 'job-6', 'job-7'])
  for (let n = 8; n <= 9; n++) runOne(n)
  recorder.putBack(taken)
  expect(dropped).toEqual([1, 1, 2])
  expect(recorder.take(10).map(({ seq }) => seq)).toEqual([5, 6, 7, 8, 9])
  expect(recorder.describe(false)).toMatchObject({ processed: 9, running_count: 0 })
})

test('each outcome is counted where it belongs', () => {
  const { recorder } = newRecorder()
  const outcomes = ['finished', 'retrying', 'cancelled', 'failed', 'released', 'crashed', 'superseded'] as const
  for (const outcome of outcomes) {
    recorder.begin(outcome, 'sleep', 1)
    recorder.end(outcome, outcome, null)
  }
  expect(recorder.describe(false)).toMatchObject({ processed: 7, failed: 2, cancelled: 1, retried: 1 })
})

test('of what runs the oldest are shown and all are counted, and an attempt that ends nowhere is forgotten', () => {
  const { recorder } = newRecorder()
  for (let n = 0; n < RUNNING_SHOWN_MAX + 5; n++) recorder.begin(`job-${n}`, 'sleep', 1)
  recorder.forget('job-0')
  recorder.end('job-0', 'finished', null)
  const worker = recorder.describe(true)
  expect(worker).toMatchObject({ running_count: RUNNING_SHOWN_MAX + 4, processed: 0 })
  expect(worker.running).toHaveLength(RUNNING_SHOWN_MAX)
  expect(worker.running[0]).toMatchObject({ job_id: 'job-1' })
  expect(worker.stopped_at).toBe(worker.beat_at)
})

test('an error is kept short', () => {
  const { recorder } = newRecorder()
  recorder.begin('job', 'sleep', 1)
  recorder.end('job', 'failed', { name: 'Error', message: 'x'.repeat(2_000), code: 'E', stack: 'never' })
  expect(recorder.take(1)[0]?.error).toEqual({ name: 'Error', message: 'x'.repeat(500), code: 'E' })
})

test('a handler that ignores that it was told to stop is a taken slot until its slot is given away, and counted until it ends', () => {
  const { recorder } = newRecorder()
  recorder.begin('hung', 'hang', 1)
  recorder.end('hung', 'retrying', null)
  const first = recorder.linger({ job_id: 'hung', type: 'hang', attempt: 1, ms: 3 })
  const second = recorder.linger({ job_id: 'slow', type: 'slow', attempt: 2, ms: 3 })
  recorder.begin('next', 'sleep', 1)
  const facts = () => {
    const { running_count, abandoned, running } = recorder.describe(false)
    return [running_count, abandoned, running.map((each) => `${each.job_id} ${each.abandoned ?? false}`)]
  }
  expect(facts()).toEqual([3, 2, ['hung true', 'slow true', 'next false']])
  expect(recorder.abandonedTypes).toEqual(['hang', 'slow'])
  first.freeSlot()
  expect(facts()).toEqual([2, 2, ['slow true', 'next false']])
  expect(recorder.abandonedTypes).toEqual(['slow'])
  second.end()
  first.end()
  expect(facts()).toEqual([1, 0, ['next false']])
})
