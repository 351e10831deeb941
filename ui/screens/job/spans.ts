// What became of a job, as spans on a line of time.

import type { Attempt, JobView } from '../../../client/contracts.ts'
import type { EventNote } from '../../../shared/contracts/log/job.ts'

export interface Span {
  kind: 'delay' | 'wait' | 'backoff' | 'attempt'
  startMs: number
  endMs: number
  /** Its attempt; absent for a wait. */
  attempt?: Attempt
}

/** A line of the chart: the waits before an attempt, and the attempt. */
export interface Line {
  name: string
  spans: Span[]
  attempt: Attempt | null
}

type Timed = Pick<JobView, 'created_at' | 'round' | 'due_at' | 'phase' | 'attempts' | 'finished_at'>

type Noted = Pick<EventNote, 'round' | 'at'>

/** When each round began: a retry begins one, after a time in which the job had ended and waited for nothing. */
export type RoundStarts = ReadonlyMap<number, number>

export function roundStartsOf({ created_at }: Pick<Timed, 'created_at'>, events: readonly Noted[] | null): RoundStarts {
  const starts = new Map([[1, Date.parse(created_at)]])
  for (const { round, at } of events ?? [])
    if (round !== undefined && !starts.has(round)) starts.set(round, Date.parse(at))
  return starts
}

/** When the current round began to wait and its first attempt to run; null: it did not yet, or nobody knows. */
export function waitOf(
  { round, attempts }: Pick<JobView, 'round' | 'attempts'>,
  starts: RoundStarts,
): [number, number] | null {
  const [from, first] = [starts.get(round), attempts.find((attempt) => roundOf(attempt) === round)]
  return from === undefined || first === undefined ? null : [from, Date.parse(first.started_at)]
}

const roundOf = ({ round = 1 }: Attempt): number => round

/** One line for each attempt, and one for what the job waits for now. */
export function linesOf(job: Timed, nowMs: number, starts: RoundStarts): Line[] {
  const lines: Line[] = []
  let sinceMs: number | undefined
  let round = 0
  for (const attempt of job.attempts) {
    const startMs = Date.parse(attempt.started_at)
    const endMs = attempt.ended_at === null ? nowMs : Date.parse(attempt.ended_at)
    const spans: Span[] = []
    // The pause of an attempt begins with the end of the one before; the wait of a round's first with the round.
    const isFirst = roundOf(attempt) !== round
    if (isFirst) sinceMs = starts.get(roundOf(attempt))
    if (sinceMs !== undefined && startMs > sinceMs)
      spans.push({ kind: isFirst ? 'wait' : 'backoff', startMs: sinceMs, endMs: startMs })
    spans.push({ kind: 'attempt', startMs, endMs: Math.max(endMs, startMs), attempt })
    lines.push({ name: nameOf(attempt), spans, attempt })
    sinceMs = Math.max(endMs, startMs)
    round = roundOf(attempt)
  }
  const waits = job.phase === 'scheduled' || job.phase === 'waiting' || job.phase === 'retrying'
  if (job.round !== round) sinceMs = starts.get(job.round)
  if (waits && sinceMs !== undefined) {
    const dueMs = job.due_at === null ? nowMs : Math.max(Date.parse(job.due_at), nowMs)
    const kind = job.phase === 'scheduled' ? 'delay' : job.phase === 'retrying' ? 'backoff' : 'wait'
    lines.push({
      name: job.phase === 'waiting' ? 'waits' : 'next',
      spans: [{ kind, startMs: sinceMs, endMs: dueMs }],
      attempt: null,
    })
  }
  return lines
}

const nameOf = ({ attempt, round }: Attempt): string =>
  round !== undefined && round > 1 ? `${attempt} (round ${round})` : String(attempt)

export interface Scale {
  /** Where a moment lies, 0 to 1. */
  at: (ms: number) => number
  startMs: number
  endMs: number
}

/** Time as it is: a second is as wide everywhere. */
export function trueScale(lines: readonly Line[]): Scale {
  const { startMs, endMs } = limitsOf(lines)
  return { startMs, endMs, at: (ms) => (ms - startMs) / (endMs - startMs) }
}

/**
 * Time by what happened in it: each piece between two moments is as wide as the logarithm of its length, so that a
 * run of milliseconds after a wait of hours can be seen.
 */
export function compactScale(lines: readonly Line[]): Scale {
  const limits = limitsOf(lines)
  const moments = [
    ...new Set(lines.flatMap(({ spans }) => spans.flatMap(({ startMs, endMs }) => [startMs, endMs]))),
  ].toSorted((a, b) => a - b)
  const widths = moments.slice(1).map((ms, n) => Math.log2(2 + ms - (moments[n] ?? ms)))
  const whole = widths.reduce((sum, width) => sum + width, 0) || 1
  const at = (ms: number): number => {
    let before = 0
    for (const [n, width] of widths.entries()) {
      const [from = 0, until = 0] = [moments[n], moments[n + 1]]
      if (ms <= until) return (before + (width * Math.max(0, ms - from)) / Math.max(1, until - from)) / whole
      before += width
    }
    return 1
  }
  return { ...limits, at }
}

function limitsOf(lines: readonly Line[]): { startMs: number; endMs: number } {
  const spans = lines.flatMap((line) => line.spans)
  const startMs = Math.min(...spans.map((span) => span.startMs))
  return { startMs, endMs: Math.max(startMs + 1, ...spans.map((span) => span.endMs)) }
}

/** Whether some attempt would be too thin to be seen, drawn in true time. */
export const needsCompact = (lines: readonly Line[]): boolean => {
  const { startMs, endMs } = limitsOf(lines)
  const runs = lines.flatMap(({ spans }) => spans.filter(({ kind }) => kind === 'attempt'))
  return runs.some((run) => run.endMs - run.startMs < (endMs - startMs) / 80)
}
