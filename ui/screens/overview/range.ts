const MINUTE = 60_000
const HOUR = 60 * MINUTE

export const RANGES = [
  ['1h', 'Hour'],
  ['24h', 'Day'],
  ['7d', 'Week'],
] as const
export type RangeName = (typeof RANGES)[number][0]

const LENGTHS: Record<RangeName, number> = { '1h': HOUR, '24h': 24 * HOUR, '7d': 7 * 24 * HOUR }

export interface Range {
  /** null: a range that was marked in a chart. */
  name: RangeName | null
  fromMs: number
  toMs: number
  /** Length of a span in the charts, and in the sums by type, which need no fine ones. */
  step: '10s' | '1m' | '1h'
  typeStep: '1m' | '1h'
}

/** The range of time that the address asks for; by default the last hour. */
export function rangeOf(query: URLSearchParams, nowMs: number): Range {
  const [from, to] = [Date.parse(query.get('from') ?? ''), Date.parse(query.get('to') ?? '')]
  if (to > from) return { name: null, fromMs: from, toMs: to, ...stepsOf(from, to, nowMs) }
  const name = RANGES.find(([each]) => each === query.get('range'))?.[0] ?? '1h'
  const fromMs = nowMs - LENGTHS[name]
  return { name, fromMs, toMs: nowMs, ...stepsOf(fromMs, nowMs, nowMs) }
}

/** Spans of 10 s are kept for 2 hours and those of a minute for 3 days: of what is older there are longer ones. */
function stepsOf(fromMs: number, toMs: number, nowMs: number): Pick<Range, 'step' | 'typeStep'> {
  const ageMs = nowMs - fromMs
  const lengthMs = toMs - fromMs
  const step = ageMs <= 2 * HOUR - MINUTE ? '10s' : ageMs <= 71 * HOUR && lengthMs <= 30 * HOUR ? '1m' : '1h'
  return { step, typeStep: ageMs <= 71 * HOUR && lengthMs <= 2 * HOUR ? '1m' : '1h' }
}
