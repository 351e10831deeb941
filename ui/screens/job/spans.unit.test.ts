import { expect, test } from 'vitest'
import type { Attempt } from '../../../client/contracts.ts'
import { compactScale, linesOf as linesWith, needsCompact, roundStartsOf, trueScale, waitOf } from './spans.ts'

const at = (s: number) => new Date(s * 1_000).toISOString()
const attempt = (n: number, start: number, end: number | null): Attempt => ({
  attempt: n,
  round: 1,
  worker_id: 'w',
  started_at: at(start),
  ended_at: end === null ? null : at(end),
  outcome: end === null ? null : 'retrying',
  error: null,
})
const job = (attempts: Attempt[], more: object = {}) => ({
  created_at: at(100),
  due_at: null,
  round: 1,
  finished_at: null,
  phase: 'running' as const,
  attempts,
  ...more,
})

const linesOf = (of: ReturnType<typeof job>, nowMs: number) => linesWith(of, nowMs, roundStartsOf(of, null))

test('a job waits for a worker, runs, pauses, and runs until now', () => {
  const lines = linesOf(job([attempt(1, 102, 105), attempt(2, 110, null)]), 120_000)
  expect(
    lines.map(({ spans }) => spans.map(({ kind, startMs, endMs }) => [kind, startMs / 1000, endMs / 1000])),
  ).toEqual([
    [
      ['wait', 100, 102],
      ['attempt', 102, 105],
    ],
    [
      ['backoff', 105, 110],
      ['attempt', 110, 120],
    ],
  ])
})

test('what it waits for now is a line of its own, up to its time', () => {
  const waits = job([attempt(1, 102, 105)], { phase: 'retrying', due_at: at(160) })
  expect(linesOf(waits, 120_000).at(-1)?.spans).toEqual([{ kind: 'backoff', startMs: 105_000, endMs: 160_000 }])
  const scheduled = job([], { phase: 'scheduled', due_at: at(400) })
  expect(linesOf(scheduled, 120_000)).toMatchObject([{ spans: [{ kind: 'delay', endMs: 400_000 }] }])
})

test('a round waits for a worker from its own beginning, and not while the job had ended', () => {
  const retried = job([attempt(1, 102, 105), { ...attempt(2, 203, null), round: 2 }], { round: 2 })
  const starts = roundStartsOf(retried, [{ at: at(100) }, { at: at(200), round: 2 }, { at: at(203), round: 2 }])
  expect(linesWith(retried, 210_000, starts)[1]?.spans).toMatchObject([
    { kind: 'wait', startMs: 200_000, endMs: 203_000 },
    { kind: 'attempt' },
  ])
  expect(waitOf(retried, starts)).toEqual([200_000, 203_000])
  const waiting = job([attempt(1, 102, 105)], { round: 2, phase: 'waiting' })
  expect(linesWith(waiting, 210_000, starts).at(-1)?.spans).toEqual([
    { kind: 'wait', startMs: 200_000, endMs: 210_000 },
  ])
  expect(waitOf(waiting, starts)).toBeNull()
})

test('a round of which nobody knows when it began has no wait', () => {
  const retried = job([attempt(1, 102, 105), { ...attempt(2, 203, null), round: 2 }], { round: 2 })
  expect(linesOf(retried, 210_000)[1]?.spans).toMatchObject([{ kind: 'attempt' }])
  expect(waitOf(retried, roundStartsOf(retried, null))).toBeNull()
})

test('a job that has ended and never ran has no line', () => {
  expect(linesOf(job([], { phase: 'cancelled' }), 120_000)).toEqual([])
})

test('both scales keep the order of moments, from 0 to 1; the compact one shows a short run after a long wait', () => {
  const lines = linesOf(job([attempt(1, 90_000, 90_001)], { phase: 'finished' }), 90_001_000)
  expect(needsCompact(lines)).toBe(true)
  for (const scale of [trueScale(lines), compactScale(lines)]) {
    expect([scale.at(100_000), scale.at(90_001_000)]).toEqual([0, 1])
    expect(scale.at(90_000_000)).toBeGreaterThan(scale.at(50_000_000))
  }
  const { at: place } = compactScale(lines)
  expect(place(90_001_000) - place(90_000_000)).toBeGreaterThan(0.2)
})
