import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from '#shared/process/logger.ts'
import { hostile, makeHostile } from '../../../e2e/foreign/hostile.ts'
import { batchRun, type RunBatch } from './batch-run.ts'
import type { Context, ItemOutcome } from './handler-types.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const log = createLogger({ service: 'test', level: 'fatal', format: 'json' })
const contextOf = (jobId: string, signal = new AbortController().signal): Context => ({
  jobId,
  objectId: `about-${jobId}`,
  createdAt: '2027-01-01T00:00:00.000Z',
  attempt: 1,
  fencingToken: 1,
  traceparent: null,
  signal,
  log,
  progress: () => undefined,
  fail: () => expect.unreachable(),
  retryLater: () => expect.unreachable(),
  create: () => expect.unreachable(),
})

/** Keeps the job ids of each call. */
function recording(outcomes?: (ids: string[]) => ItemOutcome[] | undefined) {
  const calls: string[][] = []
  const run: RunBatch = (items) => {
    const ids = items.map(({ jobId }) => jobId)
    calls.push(ids)
    return outcomes?.(ids)
  }
  return { calls, run }
}

test('as soon as there are enough they run in one call', async () => {
  const { calls, run } = recording((ids) => ids.map((id) => ({ result: id })))
  const join = batchRun({ size: 3, max_wait_ms: 1_000 }, run)
  const results = ['a', 'b', 'c', 'd'].map((id) => join(null, contextOf(id)))
  expect(await Promise.all(results.slice(0, 3))).toEqual(['a', 'b', 'c'])
  expect(calls).toEqual([['a', 'b', 'c']])
  vi.advanceTimersByTime(1_000)
  expect(await results[3]).toBe('d')
  expect(calls).toEqual([['a', 'b', 'c'], ['d']])
})

test('the wait is that of the first one', async () => {
  const { calls, run } = recording()
  const join = batchRun({ size: 3, max_wait_ms: 1_000 }, run)
  const first = join(null, contextOf('a'))
  vi.advanceTimersByTime(999)
  const second = join(null, contextOf('b'))
  expect(calls).toEqual([])
  vi.advanceTimersByTime(1)
  expect(await Promise.all([first, second])).toEqual([null, null])
  expect(calls).toEqual([['a', 'b']])
})

test('only those with the same key run together', async () => {
  const { calls, run } = recording()
  const join = batchRun({ size: 2, max_wait_ms: 1_000, key: '/of/customer' }, run)
  const payloads = [{ of: { customer: 1 } }, { of: { customer: '1' } }, {}, { of: { customer: 1 } }, null]
  const results = payloads.map((payload, n) => join(payload, contextOf(`j${n}`)))
  vi.advanceTimersByTime(1_000)
  await Promise.all(results)
  expect(calls.map((ids) => ids.join()).toSorted()).toEqual(['j0,j3', 'j1', 'j2,j4'])
})

test('each gets its own outcome', async () => {
  const outcomes: ItemOutcome[] = [
    'done',
    { result: 5 },
    { retry: 'busy', delay_ms: 70 },
    { retry: 'no' },
    { failed: 'x' },
  ]
  const { run } = recording(() => outcomes)
  const join = batchRun({ size: 5, max_wait_ms: 1_000 }, run)
  const settled = await Promise.allSettled(outcomes.map((_, n) => join(null, contextOf(`j${n}`))))
  expect(settled).toMatchObject([
    { value: null },
    { value: 5 },
    { reason: { name: 'RetryLater', message: 'busy', delayMs: 70 } },
    { reason: { name: 'Error', message: 'no' } },
    { reason: { name: 'PermanentError', message: 'x' } },
  ])
})

test('what a call throws is the error of each, and so are outcomes that are none', async () => {
  const failing = batchRun({ size: 2, max_wait_ms: 0 }, () => {
    throw new Error('broken')
  })
  const thrown = await Promise.allSettled(['a', 'b'].map((id) => failing(null, contextOf(id))))
  expect(thrown).toMatchObject([{ reason: { message: 'broken' } }, { reason: { message: 'broken' } }])
  const short = batchRun({ size: 2, max_wait_ms: 0 }, () => ['done'])
  const miscounted = await Promise.allSettled(['a', 'b'].map((id) => short(null, contextOf(id))))
  expect(miscounted).toMatchObject([{ reason: { name: 'PermanentError' } }, { reason: { name: 'PermanentError' } }])
})

test('one that is aborted while it waits leaves, and one that runs tells the call only with all others', async () => {
  const aborters = [new AbortController(), new AbortController(), new AbortController()]
  let seen: AbortSignal | undefined
  const ended = Promise.withResolvers<void>()
  const join = batchRun({ size: 2, max_wait_ms: 1_000 }, (items, { signal }) => {
    expect(items.map(({ jobId }) => jobId)).toEqual(['j1', 'j2'])
    seen = signal
    return ended.promise
  })
  const results = aborters.slice(0, 1).map(({ signal }, n) => join(null, contextOf(`j${n}`, signal)))
  aborters[0]?.abort(new Error('cancelled'))
  await expect(results[0]).rejects.toThrow('cancelled')
  for (const n of [1, 2])
    void Promise.resolve(join(null, contextOf(`j${n}`, aborters[n]?.signal))).catch(() => undefined)
  expect(seen?.aborted).toBe(false)
  aborters[1]?.abort(new Error('timeout'))
  expect(seen?.aborted).toBe(false)
  aborters[2]?.abort(new Error('timeout'))
  expect(seen?.aborted).toBe(true)
  ended.resolve()
})

test('an outcome that cannot be looked at is its own job’s failure, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(hostile, async (spec) => {
      vi.useRealTimers()
      const join = batchRun({ size: 3, max_wait_ms: 1_000 }, () => ['done', makeHostile(spec), 'done'])
      const settled = await Promise.allSettled(['a', 'b', 'c'].map((id) => join(null, contextOf(id))))
      expect([settled[0]?.status, settled[2]?.status]).toEqual(['fulfilled', 'fulfilled'])
    }),
  )
})

test('an outcome that says two things says none', async () => {
  vi.useRealTimers()
  const join = batchRun({ size: 1, max_wait_ms: 0 }, () => [{ result: 1, failed: 'x' }])
  await expect(join(null, contextOf('a'))).rejects.toMatchObject({ name: 'PermanentError' })
})
